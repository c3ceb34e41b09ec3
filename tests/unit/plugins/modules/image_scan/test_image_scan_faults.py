# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scanners that crash, hang and lie, old databases, replaced images, exceptions that end."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.tests.support.images import docker_archive
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.scanning import (
    FINDING,
    LAYERS,
    Fakes,
    entry,
    grype_database,
    named,
    trivy_database,
)

# Fault 35: what can become of a scanner.


def runs(number: int) -> bool:
    """Whether a process is there and has not only not been asked for its end."""
    try:
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("name", "orders", "said"),
    [
        ("trivy", {"signal": "SIGSEGV"}, "crashed: ended by SIGSEGV"),
        ("grype", {"signal": "SIGKILL"}, "crashed: ended by SIGKILL"),
        ("dockle", {"rc": 1, "said": "FATAL out of luck"}, "exit code: code 1: FATAL out of luck"),
        ("trivy", {"rc": 0, "said": "ERROR nothing was analysed"}, "error text: code 0, yet it says"),
        ("grype", {"text": ""}, "empty report"),
        ("dockle", {"text": '{"summary": {"fatal": 0, "wa'}, "truncated report"),
        ("trivy", {"text": "Usage: scanner [flags]"}, "invalid report"),
        ("grype", {"text": "{}"}, "invalid report"),
        ("dockle", {"text": "{}"}, "invalid report"),
    ],
)
def test_fault_35_a_scanner_that_fails_is_never_counted_as_clean(
    given: dict[str, Any], fakes: Fakes, name: str, orders: dict[str, Any], said: str
) -> None:
    fakes.order(**{name: orders})
    answer = call("image_scan", given)
    assert answer["failed"]
    assert answer["images"][0]["verdict"] == "error"
    assert named(answer) == [name]
    assert said in answer["msg"]
    assert answer["next_step"]


def test_fault_35_a_failure_is_not_kept(given: dict[str, Any], fakes: Fakes) -> None:
    fakes.order(grype={"text": ""})
    assert call("image_scan", given)["failed"]
    fakes.order()
    answer = call("image_scan", given)
    assert answer["passed"]
    assert answer["scanners_started"] == 1


def test_fault_35_one_that_hangs_is_ended_with_all_that_it_started(
    given: dict[str, Any], fakes: Fakes
) -> None:
    fakes.order(grype={"sleep": 600, "child": True})
    answer = call("image_scan", {**given, "timeout": 3})
    assert "grype" in named(answer)
    assert "timeout: it was still running after 3 s" in answer["msg"]
    assert not runs(int((fakes.folder / "child").read_text()))


def test_fault_35_one_that_is_not_there_is_missed(given: dict[str, Any], fakes: Fakes) -> None:
    os.unlink(fakes.programs["grype"])
    answer = call("image_scan", given)
    assert "missing: there is no program" in answer["msg"]
    assert "rampart.k8s.tools" in answer["next_step"]
    fewer = {**given, "policy": {"required_scanners": ["trivy", "dockle"]}}
    assert call("image_scan", fewer)["passed"]


def test_fault_35_one_with_another_sum_or_version_is_not_run(given: dict[str, Any], fakes: Fakes) -> None:
    answer = call("image_scan", {**given, "sums": {"trivy": "0" * 64}})
    assert "wrong sum" in answer["msg"]
    program = Path(fakes.programs["trivy"])
    program.write_text(program.read_text().replace("0.74.0", "0.69.5"))
    answer = call("image_scan", given)
    assert "0.69.5, and >=0.74.0,<0.75 is read here" in answer["msg"]
    assert "trivy" not in fakes.started


def test_one_that_saw_nothing_is_found_out(given: dict[str, Any], fakes: Fakes) -> None:
    fakes.order(trivy={"packages": []})
    assert "it found no package, but grype found 1" in call("image_scan", given)["msg"]


def test_an_image_without_packages_is_an_error_or_said_to_have_none(
    given: dict[str, Any], fakes: Fakes
) -> None:
    fakes.order(trivy={"packages": []}, grype={"packages": []})
    assert "no package was found" in call("image_scan", given)["msg"]
    said = [{**given["images"][0], "expect_packages": False}]
    assert call("image_scan", {**given, "images": said})["passed"]


# Fault 34: old databases.


def test_fault_34_an_expired_database_is_told_for_trivy_and_grype(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    for name, make, days in (("trivy", trivy_database, 10), ("grype", grype_database, 6)):
        shutil.rmtree(tmp_path / name)
        make(tmp_path / name, datetime.now(UTC) - timedelta(days=days))
    answer = call("image_scan", given)
    assert answer["images"][0]["verdict"] == "error"
    assert [row["why"][:40] for row in answer["images"][0]["violations"]] == [
        "stale database: its database is 6 d 0 h ",
        "stale database: its database is 10 d 0 h",
    ]
    allowed = call("image_scan", {**given, "policy": {"allow_stale_database": True}})
    assert allowed["passed"]
    assert allowed["images"][0]["stale_db"]


@pytest.mark.parametrize("name", ["trivy", "grype"])
def test_no_database_is_told_before_a_scanner_is_started(
    tmp_path: Path, given: dict[str, Any], fakes: Fakes, name: str
) -> None:
    shutil.rmtree(tmp_path / name)
    assert "no database" in call("image_scan", given)["msg"]
    assert name not in fakes.started


# Fault 37: another image under the same name.


def test_fault_37_an_image_that_is_replaced_while_it_is_judged_is_an_error(
    tmp_path: Path, given: dict[str, Any], fakes: Fakes, image: Path
) -> None:
    other = tmp_path / "other.tar"
    docker_archive(other, LAYERS, User="root")
    fakes.order(dockle={"touch": str(image), "with": str(other)})
    answer = call("image_scan", given)
    assert answer["images"][0]["verdict"] == "error"
    assert "means another image since it was judged" in answer["msg"]


def test_fault_37_a_report_about_another_digest_is_refused(given: dict[str, Any], fakes: Fakes) -> None:
    fakes.order(trivy={"digest": "sha256:" + "b" * 64})
    assert "foreign report" in call("image_scan", given)["msg"]


# Fault 38: exceptions.


def exceptions(folder: Path, *entries: dict[str, Any]) -> str:
    path = folder / "exceptions.yml"
    path.write_text(yaml.safe_dump({"exceptions": list(entries)}))
    return str(path)


def test_fault_38_an_exception_ends_without_any_scanner(
    tmp_path: Path, given: dict[str, Any], fakes: Fakes
) -> None:
    fakes.order(trivy={"findings": [FINDING]})
    today = datetime.now(UTC).date()
    days = {"created": today - timedelta(days=30), "expires": today + timedelta(days=3)}
    path = exceptions(tmp_path, entry(**days))
    answer = call("image_scan", {**given, "exceptions": path})
    assert answer["passed"]
    assert "ends in 3 days" in answer["exceptions"]["warnings"][0]
    exceptions(tmp_path, entry(created=days["created"], expires=today))
    ended = call("image_scan", {**given, "exceptions": path})
    assert ended["failed"]
    assert ended["scanners_started"] == 0
    assert "the exception CVE-2026-0001 for pkg:deb/debian/libc6@2.36-9" in ended["msg"]
    assert "has ended" in ended["msg"]


def test_one_that_covers_nothing_is_told(tmp_path: Path, given: dict[str, Any]) -> None:
    today = datetime.now(UTC).date()
    path = exceptions(tmp_path, entry(created=today, expires=today + timedelta(days=30)))
    [said] = call("image_scan", {**given, "exceptions": path})["exceptions"]["unused"]
    assert "covers nothing" in said


@pytest.mark.parametrize("content", ["exceptions: [", "exceptions: [{id: CVE-2026-1}]", "&a [*a]", "\0"])
def test_a_file_that_cannot_be_read_shuts_the_gate(
    tmp_path: Path, given: dict[str, Any], content: str
) -> None:
    (tmp_path / "exceptions.yml").write_text(content)
    answer = call("image_scan", {**given, "exceptions": str(tmp_path / "exceptions.yml")})
    assert answer["failed"]
    assert answer["next_step"]
