# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Four answers become one, and what they do not agree about stays visible."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Input
from ansible_collections.rampart.k8s.plugins.module_utils._scan.grype import Grype
from ansible_collections.rampart.k8s.plugins.module_utils._scan.merge import merge
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import FixState, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.purl import Purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trivy import Trivy
from ansible_collections.rampart.k8s.tests.support.scanning import LIBC, claim, recorded, report
from hypothesis import given, settings
from hypothesis import strategies as st


def both() -> list[Report]:
    """Return what trivy and grype said about the same image."""
    first = json.loads(recorded("trivy", "image-bad-app-vuln-only-json.json"))
    second = json.loads(recorded("grype", "bad-app-json.json"))
    item = Input(Kind.IMAGE, Path("image.tar"), first["Metadata"]["ImageID"])
    listing = {
        "bomFormat": "CycloneDX",
        "components": [{"purl": row["artifact"]["purl"]} for row in second["matches"]],
    }
    return [
        Trivy(Path()).read(json.dumps(first), item, "0.74.0"),
        Grype(Path()).read(json.dumps({"matches": second, "packages": listing}), item, "0.120.0"),
    ]


def test_the_same_finding_of_two_scanners_is_one() -> None:
    merged = merge(both())
    # trivy has 40 rows and grype 39 of the same, by other names and other spellings.
    assert len(merged.vulnerabilities) == 40
    alone = [one for one in merged.vulnerabilities if len(one.said) == 1]
    # grype drops this one whatever its database says; it is told and not hidden.
    assert [(one.name, one.disagreements) for one in alone] == [
        ("CVE-2023-45853", ("only trivy reports it, grype does not",))
    ]


def test_severities_that_differ_are_told_and_the_worst_counts() -> None:
    [perl] = [one for one in merge(both()).vulnerabilities if one.name == "CVE-2023-31484"]
    assert perl.worst is Severity.HIGH
    assert perl.disagreements == ("severity: grype HIGH, trivy MEDIUM",)
    assert perl.severity("vendor") is Severity.MEDIUM


def test_the_vendor_counts_where_it_is_asked_for_and_speaks() -> None:
    one = claim(severities={"debian": Severity.LOW, "nvd": Severity.CRITICAL})
    [found] = merge([report(one)]).vulnerabilities
    assert (found.severity("highest"), found.severity("vendor")) == (Severity.CRITICAL, Severity.LOW)
    silent = claim(severities={"debian": Severity.UNKNOWN, "nvd": Severity.CRITICAL})
    [found] = merge([report(silent)]).vulnerabilities
    assert found.severity("vendor") is Severity.CRITICAL


def test_a_name_that_only_one_scanner_knows_joins_what_the_others_say() -> None:
    first = report(claim("CVE-2026-0001"), scanner="trivy")
    second = report(
        claim("GHSA-aaaa-bbbb-cccc", names=("CVE-2026-0001", "GHSA-aaaa-bbbb-cccc")),
        claim("GHSA-aaaa-bbbb-cccc", names=("GHSA-aaaa-bbbb-cccc", "GO-2026-0001")),
        scanner="grype",
    )
    [found] = merge([first, second]).vulnerabilities
    assert found.names == {"CVE-2026-0001", "GHSA-aaaa-bbbb-cccc", "GO-2026-0001"}
    assert found.name == "CVE-2026-0001"


def test_a_fix_that_only_one_knows_is_a_fix_and_a_disagreement() -> None:
    first = report(claim(fix=""), scanner="trivy")
    second = report(claim(fix="2.36-10"), scanner="grype")
    [found] = merge([first, second]).vulnerabilities
    assert (found.state, found.fix) == (FixState.FIXED, "2.36-10")
    assert "fix: grype 2.36-10, trivy none" in found.disagreements


def test_a_scanner_that_saw_nothing_is_found_out() -> None:
    seeing, unseeing = report(scanner="grype"), Report("trivy", "1.0.0")
    assert merge([seeing, unseeing]).blind == {"trivy": "it found no package, but grype found 1"}
    # A kind of package that not all know is no reproach.
    binary = Report("grype", "1.0.0", (Purl("generic", "busybox", "1.35.0"),))
    assert merge([binary, unseeing]).blind == {}
    # Neither is it one to a scanner that looks for something else.
    assert merge([seeing, Report("dockle", "1.0.0", tried=16)]).blind == {}


def test_the_end_of_a_distribution_counts_when_one_knows_it() -> None:
    merged = merge([report(scanner="trivy", end_of_life=False), report(scanner="grype", end_of_life=True)])
    assert merged.end_of_life
    assert merged.disagreements == ("the distribution is at its end: grype yes, trivy no",)


@settings(max_examples=60, deadline=None)
@given(
    st.permutations([0, 1, 2, 3]),
    st.lists(st.sampled_from(list(Severity)), min_size=4, max_size=4),
)
def test_the_order_of_reports_changes_no_verdict(order: list[int], levels: list[Severity]) -> None:
    reports = [
        report(claim(severities={f"source{place}": level}), scanner=f"scanner{place}")
        for place, level in enumerate(levels)
    ]
    merged = merge([reports[place] for place in order])
    assert merged.vulnerabilities == merge(reports).vulnerabilities
    assert merged.vulnerabilities[0].worst is max(levels)


def test_the_same_vulnerability_of_two_packages_stays_two() -> None:
    merged = merge([report(claim(), claim(package=Purl("deb", "debian/libc-bin", "2.36-9")))])
    assert len(merged.vulnerabilities) == 2
    assert LIBC in merged.packages
