# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every report can be read by what it is for, holds what was judged, and runs nothing of an image's text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._scan import report_table, trend, writing
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock, Sighting
from ansible_collections.rampart.k8s.plugins.module_utils._scan.decide import decide
from ansible_collections.rampart.k8s.plugins.module_utils._scan.judging import Examined
from ansible_collections.rampart.k8s.plugins.module_utils._scan.merge import merge
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import Run, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.subjects import parse
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure, Trouble
from ansible_collections.rampart.k8s.tests.support.scanning import NOW, case, claim, exemption, report


def read_xml(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 (our own output)


EVIL = "<script>alert(1)</script>\x00\x1b[31m"


def verdict(line: str = "team/api", **more: Any) -> Verdict:
    reports = [
        report(
            claim("CVE-2026-0001", title=EVIL),
            claim("CVE-2026-0002", Severity.MEDIUM),
            claim("CVE-2026-0003", Severity.LOW, fix=""),
        ),
        report(
            scanner="hadolint",
            tried=1,
            checks=(Check("DL4000", Severity.HIGH, "MAINTAINER is old", path="/src/Dockerfile", line=2),),
        ),
    ]
    clock = Clock((Sighting(frozenset({"CVE-2026-0001"}), NOW - timedelta(days=2), NOW.date()),))
    given = case(reports=reports, clock=clock, exemptions=[exemption(id="CVE-2026-0003")], **more)
    given = replace(given, policy=replace(given.policy, required_scanners=("trivy",)))
    examined = Examined(parse({"docker": f"{line}:1"}), fact=given.fact, reports=reports)
    return Verdict(examined, merge(reports), decide(given))


def run(*verdicts: Verdict, **more: Any) -> Run:
    return Run(verdicts, NOW, "prod", "sha256:" + "c" * 64, (exemption(id="CVE-2026-0003"),), **more)


@pytest.fixture
def texts() -> dict[str, str]:
    broken = replace(
        verdict("team/web"), judged=decide(case(failures=[Failure("trivy", Trouble.CRASHED, "x")]))
    )
    return writing.render(run(verdict(), broken, trends={"team/api": [{"day": "2026-11-22", "high": 2}]}))


def test_sarif_has_the_shape_of_2_1_0(texts: dict[str, str]) -> None:
    document = json.loads(texts[writing.SARIF])
    assert document["version"] == "2.1.0"
    assert len(document["runs"]) == 2
    for one in document["runs"]:
        rules = one["tool"]["driver"]["rules"]
        assert len({rule["id"] for rule in rules}) == len(rules)
        for result in one["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["level"] in {"error", "warning", "note", "none"}
            assert result["message"]["text"]
            place = result["locations"][0]["physicalLocation"]
            assert not place["artifactLocation"]["uri"].startswith("/")
            assert place["region"]["startLine"] >= 1
        fingerprints = [one["partialFingerprints"]["finding/v1"] for one in one["results"]]
        assert len(set(fingerprints)) == len(fingerprints)


def test_sarif_says_what_is_excepted_and_where_a_line_is(texts: dict[str, str]) -> None:
    results = {one["ruleId"]: one for one in json.loads(texts[writing.SARIF])["runs"][0]["results"]}
    assert results["CVE-2026-0003"]["suppressions"][0]["kind"] == "external"
    assert "suppressions" not in results["CVE-2026-0001"]
    place = results["DL4000"]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("src/Dockerfile", 2)
    assert results["CVE-2026-0001"]["properties"]["fix"] == "2.36-10"


def test_junit_counts_what_it_holds(texts: dict[str, str]) -> None:
    suites = read_xml(texts[writing.JUNIT])
    for suite in suites:
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    failed = {case.attrib["name"] for case in suites[0] if case.find("failure") is not None}
    assert failed == {"CVE-2026-0001 pkg:deb/debian/libc6@2.36-9", "DL4000 /src/Dockerfile:2"}
    assert suites[1].attrib["errors"] == "1"


class Reader(HTMLParser):
    """Collects what a browser would act upon, and checks that elements are closed in order."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_runs_nothing(texts: dict[str, str]) -> None:
    reader = Reader()
    reader.feed(texts[writing.HTML])
    reader.close()
    assert reader.open == []
    assert not reader.seen & {"script", "img", "iframe", "object", "link"}
    assert reader.addresses == []
    assert "default-src 'none'" in texts[writing.HTML]
    assert "&lt;script&gt;" in texts[writing.HTML]
    assert "<svg" in texts[writing.HTML]


def test_the_trend_is_drawn_over_days() -> None:
    points = [
        {"day": f"2026-11-{day:02}", "critical": day % 2, "high": day, "medium": 3} for day in range(1, 20)
    ]
    picture = read_xml(trend.picture(points))
    polygons = [one for one in picture if one.tag.endswith("polygon")]
    assert len(polygons) == 3
    for one in polygons:
        corners = [tuple(map(float, pair.split(","))) for pair in one.attrib["points"].split()]
        assert len(corners) == 2 * len(points)
        assert all(0 <= across <= trend.WIDTH and 0 <= down <= trend.HEIGHT for across, down in corners)


@pytest.mark.parametrize("points", [[], [{"day": "soon", "high": 1}], [{"day": "2026-11-22", "high": 0}]])
def test_a_trend_of_nothing_is_a_picture_too(points: list[dict[str, Any]]) -> None:
    assert read_xml(trend.picture(points)).tag.endswith("svg")


def test_vex_names_affected_packages_and_what_is_decided(texts: dict[str, str]) -> None:
    [name] = [name for name in texts if name.startswith("team_api") and name.endswith("vex.cdx.json")]
    document = json.loads(texts[name])
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    references = {one["bom-ref"] for one in document["components"]}
    rows = {one["id"]: one for one in document["vulnerabilities"]}
    assert all(affected["ref"] in references for one in rows.values() for affected in one["affects"])
    # An accepted risk is not "not affected".
    assert rows["CVE-2026-0003"]["analysis"]["state"] == "exploitable"
    assert rows["CVE-2026-0003"]["analysis"]["response"] == ["will_not_fix"]
    assert rows["CVE-2026-0001"]["recommendation"] == "Update to 2.36-10."
    severities = {"critical", "high", "medium", "low", "info", "none", "unknown"}
    assert {rating["severity"] for one in rows.values() for rating in one["ratings"]} <= severities


def test_the_table_names_package_fix_and_due_time() -> None:
    lines = report_table.table(run(verdict()))
    assert lines[1].split()[:2] == ["team/api", "BLOCKED"]
    text = "\n".join(lines)
    assert "pkg:deb/debian/libc6@2.36-9, high ones block, fixed in 2.36-10, due 2026-11-21T12:00:00Z" in text
    assert "-> update pkg:deb/debian/libc6@2.36-9 to 2.36-10" in text


def test_the_json_report_is_whole_where_the_answer_is_bounded() -> None:
    document = json.loads(writing.render(run(verdict()))[writing.JSON])
    assert len(document["images"][0]["findings"]) == 4
    assert {row["cis_docker"] for row in document["images"][0]["findings"]} == {"4.4", ""}


def test_reports_are_written_whole_and_only_when_they_differ(tmp_path: Path) -> None:
    paths = writing.write(tmp_path, {"a/b.txt": "first", "c.txt": EVIL + "\udc80"})
    assert (tmp_path / "a/b.txt").read_text() == "first"
    before = (tmp_path / "a/b.txt").stat().st_ino
    assert writing.write(tmp_path, {"a/b.txt": "first", "c.txt": ""}) == paths
    assert (tmp_path / "a/b.txt").stat().st_ino == before
    assert (tmp_path / "c.txt").read_text() == ""


def test_two_lines_that_look_alike_have_two_folders() -> None:
    assert writing.folder_of("team/api") != writing.folder_of("team_api")
    assert "/" not in writing.folder_of("../../etc")
