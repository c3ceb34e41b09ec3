# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible runs it, with scanners that do as they are told."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.tests.support.images import docker_archive
from ansible_collections.rampart.k8s.tests.support.layouts import layout
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.scanning import (
    FINDING,
    LAYERS,
    Fakes,
    grype_database,
    named,
)


def test_a_clean_image_passes_and_costs_nothing_the_second_time(given: dict[str, Any], fakes: Fakes) -> None:
    first = call("image_scan", given)
    assert first["passed"]
    assert not first["changed"]
    assert sorted(fakes.started) == ["dockle", "grype", "trivy"]
    assert first["scanners_started"] == 3
    second = call("image_scan", given)
    assert second["passed"]
    assert second["scanners_started"] == 0
    assert second["images"][0]["cached"]
    assert len(fakes.started) == 3


@pytest.mark.parametrize("more", [{"policy": {"block_high": False}}, {"environment_name": "prod"}])
def test_what_only_the_verdict_depends_on_starts_no_scanner(
    given: dict[str, Any], fakes: Fakes, more: dict[str, Any]
) -> None:
    call("image_scan", given)
    call("image_scan", {**given, **more})
    assert len(fakes.started) == 3


def test_a_new_database_asks_its_scanner_again_and_only_it(
    tmp_path: Path, given: dict[str, Any], fakes: Fakes
) -> None:
    call("image_scan", given)
    shutil.rmtree(tmp_path / "grype")
    grype_database(tmp_path / "grype", datetime.now(UTC))
    call("image_scan", given)
    assert fakes.started[3:] == ["grype"]


def test_another_image_of_the_same_name_is_scanned(given: dict[str, Any], fakes: Fakes, image: Path) -> None:
    first = call("image_scan", given)
    docker_archive(image, LAYERS, User="65535")
    second = call("image_scan", given)
    assert first["images"][0]["digest"] != second["images"][0]["digest"]
    assert len(fakes.started) == 6


def test_a_violation_names_package_fix_and_due_time_and_shuts_the_gate(
    given: dict[str, Any], fakes: Fakes
) -> None:
    fakes.order(trivy={"findings": [FINDING]})
    answer = call("image_scan", given)
    assert answer["failed"]
    [row] = answer["images"][0]["violations"]
    assert (row["name"], row["target"], row["fix"]) == (
        "CVE-2026-0001",
        "pkg:deb/debian/libc6@2.36-9",
        "2.36-10",
    )
    assert row["due"] in answer["msg"]
    assert answer["images"][0]["disagreements"] == [
        "CVE-2026-0001 in pkg:deb/debian/libc6@2.36-9: only trivy reports it, grype does not"
    ]
    told = call("image_scan", {**given, "report_only": True})
    assert not told.get("failed")
    assert not told["passed"]


# What scanners see of the world, and what a run leaves.


def test_a_scanner_sees_no_secret_and_no_configuration(
    given: dict[str, Any], fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "KUBECONFIG",
        "AWS_SECRET_ACCESS_KEY",
        "VAULT_TOKEN",
        "TRIVY_IGNORE_UNFIXED",
        "GRYPE_EXCLUDE",
    ):
        monkeypatch.setenv(name, "canary-of-the-environment")
    call("image_scan", given)
    for name in fakes.programs:
        seen = fakes.environment(name)
        assert "canary-of-the-environment" not in json.dumps(seen)
        assert seen["HOME"].startswith(given["cache_dir"])


def test_a_scanner_has_no_network_or_it_is_said(given: dict[str, Any], fakes: Fakes) -> None:
    answer = call("image_scan", given)
    assert answer["network"] in ("network namespace", "none")
    for name in fakes.programs:
        assert (fakes.network(name) == ["lo"]) is (answer["network"] == "network namespace")


def test_a_scanner_that_takes_too_much_memory_is_refused_it(given: dict[str, Any], fakes: Fakes) -> None:
    fakes.order(grype={"allocate": 300})
    answer = call("image_scan", {**given, "memory_mb": 200})
    assert named(answer) == ["grype"]
    assert call("image_scan", {**given, "memory_mb": 900})["passed"]


def test_two_images_of_a_line_have_a_report_each(tmp_path: Path, given: dict[str, Any]) -> None:
    docker_archive(tmp_path / "other.tar", LAYERS, User="65535")
    images = [{"archive": str(tmp_path / name), "name": "app"} for name in ("app.tar", "other.tar")]
    answer = call("image_scan", {**given, "images": images, "report_dir": str(tmp_path / "reports")})
    assert sum(path.endswith("vex.cdx.json") for path in answer["reports"]) == 2
    assert len(set(answer["reports"])) == len(answer["reports"])


def test_the_same_image_may_stand_in_the_list_twice(given: dict[str, Any]) -> None:
    answer = call("image_scan", {**given, "images": given["images"] * 2})
    assert [one["verdict"] for one in answer["images"]] == ["passed", "passed"]


def test_nothing_of_a_run_stays_behind_but_what_is_kept(given: dict[str, Any]) -> None:
    call("image_scan", given)
    kept = {path.name for path in Path(given["cache_dir"]).iterdir()}
    assert kept == {"memo.json", "reports", "layers", "layers.lock"}


def test_check_mode_judges_and_keeps_nothing(tmp_path: Path, given: dict[str, Any], fakes: Fakes) -> None:
    more = {"report_dir": str(tmp_path / "reports"), "evidence_dir": str(tmp_path / "evidence")}
    answer = call("image_scan", {**given, **more}, check=True)
    assert answer["passed"]
    assert len(fakes.started) == 3
    assert not any((tmp_path / name).exists() for name in ("reports", "evidence", "cache", "state"))


def test_check_mode_goes_on_where_nothing_is_there_yet(tmp_path: Path, given: dict[str, Any]) -> None:
    absent = [{"archive": str(tmp_path / "absent.tar")}]
    answer = call("image_scan", {**given, "images": absent}, check=True)
    assert not answer.get("failed")
    assert answer["reason"] == "1 judged: 1 could not be judged"
    assert call("image_scan", {**given, "images": absent})["failed"]


def test_one_image_that_cannot_be_read_does_not_keep_the_others_from_their_verdict(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    images = [{"archive": str(tmp_path / "absent.tar")}, *given["images"]]
    answer = call("image_scan", {**given, "images": images})
    assert [one["verdict"] for one in answer["images"]] == ["error", "passed"]


def test_every_verdict_leaves_evidence(tmp_path: Path, given: dict[str, Any], fakes: Fakes) -> None:
    more = {"evidence_dir": str(tmp_path / "evidence"), "evidence_play": {"playbook": "scan.yml"}}
    answer = call("image_scan", {**given, **more})
    fakes.order(trivy={"findings": [FINDING]})
    shutil.rmtree(tmp_path / "cache")
    call("image_scan", {**given, **more})
    report = EvidenceStore(tmp_path / "evidence").verify()
    assert report.broken is None
    first, second = (one.record for one in report.records)
    assert (first.verdict, second.verdict) == ("passed", "failed")
    assert first.subject.digest == answer["images"][0]["digest"]
    assert first.tools == {"trivy": "0.74.0", "grype": "0.120.0", "dockle": "0.4.15"}
    assert first.policy == answer["policy"]
    assert second.summary["blocking"] == ["CVE-2026-0001"]
    assert first.play == {"playbook": "scan.yml"}


def test_the_evidence_on_an_image_is_found_by_either_of_its_digests(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    """What runs may have been built before: no layout says any more which of them belong together."""
    digest = layout(tmp_path / "layout", [{"etc/os-release": b"ID=debian\n"}], config={"User": "65534"})
    images = [{"layout": str(tmp_path / "layout")}]
    answer = call("image_scan", {**given, "images": images, "evidence_dir": str(tmp_path / "evidence")})
    store = EvidenceStore(tmp_path / "evidence")
    assert digest != answer["images"][0]["digest"]
    for each in (digest, answer["images"][0]["digest"]):
        found = store.latest("image_scan", each)
        assert found
        assert found.record.verdict == "passed"


def test_the_answer_stays_bounded(given: dict[str, Any], fakes: Fakes) -> None:
    many = [{**FINDING, "VulnerabilityID": f"CVE-2026-{number:05}"} for number in range(600)]
    fakes.order(trivy={"findings": many})
    answer = call("image_scan", given)
    assert answer["images"][0]["violations_total"] == 600
    assert len(answer["images"][0]["violations"]) == 20
    assert len(json.dumps(answer)) < 60_000


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([], "nothing would be judged"),
        ([{}], "names no source"),
        ([{"docker": "a:1", "archive": "/a.tar"}], "names docker and archive"),
        ([{"docker": "--output=/etc/passwd"}], "not the name of an image"),
        ([{"docker": "Bad Name"}], "not the name of an image"),
        ([{"registry": "registry.example.com/a:1"}], "names no digest"),
        ([{"archive": "relative.tar"}], "not an absolute path"),
        ([{"archive": "/a.tar", "name": "../x\n"}], "cannot name a line"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], images: list[Any], said: str) -> None:
    assert said in call("image_scan", {**given, "images": images})["msg"]
