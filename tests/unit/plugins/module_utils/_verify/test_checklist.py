# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An item passes by evidence only: of this cluster, young enough, whole, and of all that it demands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import TIME_FORMAT, Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import (
    BrokenChainError,
    EvidenceStore,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.checklist_operation import ChecklistVerify

CLUSTER = "uid-1"
DIGEST = "sha256:" + "0" * 64


def demand(gate: str, control: str = "", hours: int = 0) -> dict[str, Any]:
    return {"gate": gate, "control": control, "max_age_hours": hours}


def item(*proofs: dict[str, Any], id: str = "one", why: str = "") -> dict[str, Any]:  # noqa: A002
    return {"id": id, "part": "Security", "text": "Networks are shut", "proofs": list(proofs), "why": why}


class Desk:
    """A store with what gates found, and the checklist that is answered from it."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder

    def found(
        self,
        gate: str,
        verdict: Any = "passed",
        *,
        kind: str = "cluster",
        name: str = CLUSTER,
        hours: float = 0,
        host: str = "local",
        **summary: Any,
    ) -> str:
        time = (datetime.now(UTC) - timedelta(hours=hours)).strftime(TIME_FORMAT)
        record = Record(
            gate, Subject(kind, name, DIGEST), verdict, summary=summary, time=time, play={"host": host}
        )
        return EvidenceStore(self.folder).append(record).id

    def run(self, *items: dict[str, Any], check: bool = False, **changes: Any) -> Plan:
        parameters = {
            "items": list(items),
            "max_age_hours": 24,
            "report_paths": [],
            "report_only": True,
            "allow_not_proven": False,
            "evidence_dir": str(self.folder),
            "evidence_play": {"host": "local"},
            **changes,
        }
        return ChecklistVerify(parameters, Redactor(), check_mode=check)._recorded(self.cluster)

    def verdict(self, *items: dict[str, Any]) -> tuple[str, list[str]]:
        (one,) = self.run(*items).result["answers"]
        return one["verdict"], one["reasons"]


@pytest.fixture
def desk(cluster: Any, tmp_path: Path) -> Desk:
    return Desk(cluster, tmp_path / "evidence")


def test_an_item_passes_by_all_that_it_demands(desk: Desk) -> None:
    names = [desk.found("network_verify"), desk.found("access_verify")]
    plan = desk.run(item(demand("network_verify"), demand("access_verify")))
    assert plan.result["passed"]
    assert plan.result["answers"][0]["evidence"] == names
    assert plan.result["tallies"] == {"passed": 1, "failed": 0, "not_proven": 0}
    kept = next(
        each for each in EvidenceStore(desk.folder).verify().records if each.id == plan.result["evidence"]
    )
    assert kept.record.summary["items"] == {"one": "passed"}


def test_an_item_without_a_gate_is_not_proven_whoever_says_so(desk: Desk) -> None:
    desk.found("network_verify")
    assert desk.verdict(item(why="nobody tests recovery")) == ("not proven", ["nobody tests recovery"])
    assert desk.verdict(item()) == ("not proven", ["no gate proves it"])


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"hours": 25},
        {"name": "uid-9"},
        {"kind": "image", "name": "app", "host": "other"},
    ],
)
def test_other_or_old_evidence_proves_nothing(desk: Desk, kept: dict[str, Any]) -> None:
    desk.found("access_verify", **kept)
    if kept:
        desk.found("network_verify", **kept)
    verdict, reasons = desk.verdict(item(demand("network_verify")))
    assert verdict == "not proven"
    assert reasons == ["there is no evidence of network_verify that is young enough"]


def test_an_item_may_ask_for_other_ages(desk: Desk) -> None:
    desk.found("network_verify", hours=30)
    assert desk.verdict(item(demand("network_verify", hours=48)))[0] == "passed"
    assert desk.verdict(item(demand("network_verify", hours=12)))[0] == "not proven"


@pytest.mark.parametrize("verdict", ["failed", "error"])
def test_one_failure_fails_the_item(desk: Desk, verdict: str) -> None:
    desk.found("image_scan", kind="image", name="a")
    desk.found("image_scan", verdict, kind="image", name="b")
    assert desk.verdict(item(demand("image_scan"))) == ("failed", [f"image_scan on b says {verdict}"])


def test_the_last_word_on_a_thing_counts(desk: Desk) -> None:
    desk.found("image_scan", "failed", kind="image", name="a", hours=2)
    desk.found("image_scan", kind="image", name="a", hours=1)
    assert desk.verdict(item(demand("image_scan")))[0] == "passed"
    desk.found("image_scan", "failed", kind="image", name="a")
    assert desk.verdict(item(demand("image_scan")))[0] == "failed"


def test_what_nobody_judges_any_more_is_left_out(desk: Desk) -> None:
    desk.found("image_scan", "failed", kind="image", name="a", hours=40)
    desk.found("image_scan", kind="image", name="b")
    assert desk.verdict(item(demand("image_scan")))[0] == "passed"


def test_images_that_a_release_ran_once_are_part_of_the_release(desk: Desk) -> None:
    desk.found("helm_verify", "failed", kind="release", name="dev/app with old@sha256:1", hours=1)
    desk.found("helm_verify", kind="release", name="dev/app")
    assert desk.verdict(item(demand("helm_verify")))[0] == "passed"


def test_a_pass_with_open_claims_is_not_proven(desk: Desk) -> None:
    desk.found("encryption_verify", counts={"proved": 1, "not_proven": 2})
    verdict, reasons = desk.verdict(item(demand("encryption_verify")))
    assert verdict == "not proven"
    assert reasons == [f"encryption_verify on {CLUSTER} left 2 claims open"]


@pytest.mark.parametrize(
    ("verdict", "controls", "wanted"),
    [
        # A gate that failed for another control says nothing against this one.
        ("failed", {"tls": "passed", "ports": "failed"}, "passed"),
        ("failed", {"tls": "failed"}, "failed"),
        ("passed", {"tls": "not_proven"}, "not proven"),
        ("passed", {"ports": "passed"}, "not proven"),
        ("passed", None, "not proven"),
        ("error", None, "failed"),
    ],
)
def test_a_control_is_asked_for_by_its_name(desk: Desk, verdict: str, controls: Any, wanted: str) -> None:
    desk.found("service_verify", verdict, **({"controls": controls} if controls else {}))
    assert desk.verdict(item(demand("service_verify", "tls")))[0] == wanted


def test_the_gate_is_shut_by_what_failed_and_by_what_is_open(desk: Desk) -> None:
    desk.found("network_verify", "failed")
    with pytest.raises(RampartError, match="1 violations"):
        desk.run(item(demand("network_verify")), report_only=False, allow_not_proven=True)
    with pytest.raises(RampartError, match="1 not proven"):
        desk.run(item(), report_only=False)
    assert desk.run(item(), report_only=False, allow_not_proven=True).result["passed"]


def test_a_broken_store_answers_nothing(desk: Desk) -> None:
    desk.found("network_verify")
    (file,) = desk.folder.glob("security_7y/*.jsonl")
    file.write_text(file.read_text().replace('"passed"', '"failed"'))
    with pytest.raises(BrokenChainError):
        desk.run(item(demand("network_verify")))


def test_check_mode_judges_and_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    report = tmp_path / "checklist.xml"
    plan = desk.run(item(), check=True, report_only=False, report_paths=[str(report)])
    assert not plan.result["passed"]
    assert plan.result["evidence"] == ""
    assert not report.exists()
    assert not desk.folder.exists()


def test_the_reports_say_what_the_result_says(desk: Desk, tmp_path: Path) -> None:
    name = desk.found("network_verify")
    desk.found("access_verify", "failed")
    paths = [tmp_path / "reports/checklist.xml", tmp_path / "reports/checklist.json"]
    plan = desk.run(
        item(demand("network_verify"), id="a"),
        item(demand("access_verify"), id="b"),
        item(id="c"),
        report_paths=[str(path) for path in paths],
    )
    (suite,) = ElementTree.parse(paths[0]).getroot()  # noqa: S314 (our own output)
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    first, second, third = suite
    assert name in (first.findtext("system-out") or "")
    assert first.find("failure") is None
    assert second.find("failure") is not None
    assert third.find("error") is not None
    assert json.loads(paths[1].read_text())["items"] == plan.result["answers"]


@pytest.mark.parametrize("paths", [["report.txt"], ["report"]])
def test_a_report_without_a_format_is_refused_first(desk: Desk, paths: list[str]) -> None:
    with pytest.raises(RampartError, match="has no format"):
        desk.run(item(), report_paths=paths)


def test_a_checklist_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(RampartError, match="no items"):
        desk.run()
    with pytest.raises(RampartError, match="names one twice"):
        desk.run(item(), item())


def test_without_a_cluster_nothing_is_proven(tmp_path: Path) -> None:
    parameters = {
        "items": [item(demand("network_verify"))],
        "max_age_hours": 24,
        "report_paths": [],
        "report_only": False,
        "evidence_dir": str(tmp_path),
        "evidence_play": {},
    }
    found = ChecklistVerify(parameters, Redactor(), check_mode=True).without_cluster()
    assert not found["passed"]
    assert found["counts"]["not_proven"] == found["tallies"]["not_proven"] == 1
    assert found["answers"][0]["verdict"] == "not proven"
