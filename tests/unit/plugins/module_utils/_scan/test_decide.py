# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guideline's rules, one by one: what blocks, what passes, and until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._scan import policy as policies
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock, Sighting
from ansible_collections.rampart.k8s.plugins.module_utils._scan.decide import (
    decide,
    is_root,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import (
    Check,
    Fact,
    Kind,
    Licence,
    Merged,
    Report,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure, Trouble
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Database, Judged, Outcome
from ansible_collections.rampart.k8s.tests.support.scanning import (
    DIGEST,
    NOW,
    case,
    claim,
    exemption,
    report,
)
from hypothesis import given, settings
from hypothesis import strategies as st

HOUR = timedelta(hours=1)
ONE = Policy(required_scanners=("trivy",))


def clock(age: timedelta) -> Clock:
    return Clock((Sighting(frozenset({"CVE-2026-0001"}), NOW - age, NOW.date()),))


def verdict(level: Severity, fix: str = "2", age: timedelta = HOUR, **rules: Any) -> Judged:
    return decide(case(claim(level=level, fix=fix), policy=replace(ONE, **rules), clock=clock(age)))


@pytest.mark.parametrize(
    ("level", "fix", "age", "rules", "passes"),
    [
        # block_critical_severity, block_high_severity: at once, with a fix or without.
        (Severity.CRITICAL, "2", HOUR, {}, False),
        (Severity.CRITICAL, "", HOUR, {}, False),
        (Severity.HIGH, "2", HOUR, {}, False),
        (Severity.HIGH, "", HOUR, {}, False),
        # Where they do not block at once, the time to repair does.
        (Severity.CRITICAL, "2", 3 * HOUR, {"block_critical": False}, True),
        (Severity.CRITICAL, "2", 4 * HOUR, {"block_critical": False}, False),
        (Severity.HIGH, "2", 23 * HOUR, {"block_high": False}, True),
        (Severity.HIGH, "2", 24 * HOUR, {"block_high": False}, False),
        # allow_medium_with_fix: only where a fix exists and is not yet due.
        (Severity.MEDIUM, "2", 167 * HOUR, {}, True),
        (Severity.MEDIUM, "2", 168 * HOUR, {}, False),
        (Severity.MEDIUM, "", HOUR, {}, False),
        (Severity.MEDIUM, "2", HOUR, {"allow_medium_with_fix": False}, False),
        (Severity.LOW, "", 719 * HOUR, {}, True),
        (Severity.LOW, "2", 720 * HOUR, {}, False),
        (Severity.NEGLIGIBLE, "", 719 * HOUR, {}, True),
        (Severity.NEGLIGIBLE, "", 720 * HOUR, {}, False),
        (Severity.UNKNOWN, "2", HOUR, {}, False),
        (Severity.UNKNOWN, "2", HOUR, {"block_high": False, "block_critical": False}, False),
    ],
)
def test_the_guidelines_rules(
    level: Severity, fix: str, age: timedelta, rules: dict[str, Any], passes: bool
) -> None:
    assert (verdict(level, fix, age, **rules).verdict == "passed") is passes


def test_a_violation_names_package_fix_and_due_time() -> None:
    [finding] = verdict(Severity.HIGH, "2.36-10").violations
    assert str(finding) == (
        "CVE-2026-0001 (HIGH) in pkg:deb/debian/libc6@2.36-9, high ones block, fixed in 2.36-10, "
        "due 2026-11-23T11:00:00Z"
    )


def test_what_is_seen_for_the_first_time_is_due_from_now() -> None:
    [finding] = decide(case(claim(level=Severity.LOW), policy=ONE)).findings
    assert finding.due == NOW + timedelta(days=30)


RULES = st.builds(
    lambda critical, high, medium: replace(
        ONE, block_critical=critical, block_high=high, allow_medium_with_fix=medium
    ),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(RULES, st.sampled_from(list(Severity)), st.booleans(), st.integers(0, 2000), st.integers(0, 2000))
def test_time_never_opens_a_gate(rules: Policy, level: Severity, fixed: bool, hours: int, more: int) -> None:
    def passes(age: int) -> bool:
        found = claim(level=level, fix="2" if fixed else "")
        return decide(case(found, policy=rules, clock=clock(age * HOUR))).verdict == "passed"

    assert passes(hours) or not passes(hours + more)


@settings(max_examples=60, deadline=None)
@given(RULES, st.sampled_from(list(Severity)[1:]), st.booleans(), st.integers(0, 2000))
def test_a_stricter_policy_never_passes_more(rules: Policy, level: Severity, fixed: bool, hours: int) -> None:
    found = claim(level=level, fix="2" if fixed else "")
    strictest = replace(ONE, allow_medium_with_fix=False)
    strict = decide(case(found, policy=strictest, clock=clock(hours * HOUR)))
    loose = decide(case(found, policy=rules, clock=clock(hours * HOUR)))
    assert loose.verdict == "passed" or strict.verdict != "passed"


@settings(max_examples=60, deadline=None)
@given(st.permutations(list(Severity)))
def test_the_worst_claim_decides(order: list[Severity]) -> None:
    found = claim(severities={f"source{place}": level for place, level in enumerate(order)})
    assert decide(case(found, policy=ONE)).findings[0].severity is Severity.CRITICAL


# Exceptions


def test_an_exception_lets_pass_what_it_covers() -> None:
    judged = decide(case(claim(), policy=ONE, exemptions=[exemption()]))
    [finding] = judged.findings
    assert (judged.verdict, finding.outcome) == ("passed", Outcome.EXCEPTED)
    assert judged.used == (exemption(),)


def test_fault_38_an_exception_that_has_ended_blocks_and_names_itself() -> None:
    """Also what would pass without it: the risk was accepted until that day and not longer."""
    ended = exemption(expires=NOW.date())
    for level in (Severity.HIGH, Severity.LOW):
        judged = decide(case(claim(level=level), policy=ONE, exemptions=[ended]))
        [finding] = judged.violations
        assert finding.why == f"{ended} has ended"
        assert "owner ann, allowed by bob" in finding.why


def test_fault_38_an_exception_for_another_digest_covers_nothing() -> None:
    scope = replace(exemption().scope, purl=None, digest="sha256:" + "b" * 64)
    judged = decide(case(claim(), policy=ONE, exemptions=[exemption(scope=scope)]))
    assert judged.verdict == "failed"
    assert judged.used == ()
    same = replace(scope, digest=DIGEST)
    assert decide(case(claim(), policy=ONE, exemptions=[exemption(scope=same)])).verdict == "passed"


def test_an_exception_by_any_name_covers_the_vulnerability() -> None:
    found = claim(names=("CVE-2026-0001", "GHSA-aaaa-bbbb-cccc"))
    other = exemption(id="GHSA-aaaa-bbbb-cccc")
    assert decide(case(found, policy=ONE, exemptions=[other])).verdict == "passed"


def test_no_exception_covers_a_scanner_that_failed() -> None:
    failure = Failure("trivy", Trouble.CRASHED, "SIGSEGV")
    rule = exemption(id="", rule="trivy", scope=replace(exemption().scope, purl=None, digest=DIGEST))
    assert decide(case(policy=ONE, failures=[failure], exemptions=[rule])).verdict == "error"


# Scanners


@pytest.mark.parametrize("trouble", list(Trouble))
def test_fault_35_no_trouble_of_a_scanner_is_a_pass(trouble: Trouble) -> None:
    judged = decide(case(policy=ONE, failures=[Failure("trivy", trouble, "so it was")]))
    assert judged.verdict == "error"
    [finding] = judged.violations
    assert trouble in finding.why
    assert finding.next_step


def test_every_trouble_has_its_own_word_and_its_own_next_step() -> None:
    steps = {Failure("x", trouble, "").next_step for trouble in Trouble}
    assert len(steps) >= len(Trouble) - 1
    assert len({str(trouble) for trouble in Trouble}) == len(Trouble)


def test_one_that_nobody_requires_may_be_missing_but_not_fail() -> None:
    missing = [Failure("grype", Trouble.MISSING, "there is no program grype")]
    assert decide(case(policy=ONE, failures=missing)).verdict == "passed"
    crashed = [Failure("grype", Trouble.CRASHED, "SIGSEGV")]
    assert decide(case(policy=ONE, failures=crashed)).verdict == "error"


def test_one_that_is_required_and_did_not_run_is_missed() -> None:
    judged = decide(case(policy=replace(ONE, required_scanners=("trivy", "grype"))))
    assert [finding.name for finding in judged.violations] == ["grype"]


def test_a_dockerfile_is_required_where_the_policy_says_so() -> None:
    rules = replace(ONE, required_scanners=("trivy", "hadolint"))
    assert decide(case(policy=rules)).verdict == "passed"
    judged = decide(case(policy=replace(rules, require_dockerfile=True)))
    assert Trouble.NO_INPUT in judged.violations[0].why


def test_no_package_at_all_is_no_pass() -> None:
    empty = [Report("trivy", "1"), Report("grype", "1")]
    assert decide(case(policy=ONE, reports=empty)).verdict == "error"
    assert decide(case(policy=ONE, reports=empty, expect_packages=False)).verdict == "passed"


def test_fault_34_a_database_that_is_too_old_is_no_pass() -> None:
    old = {"trivy": Database("2", NOW - timedelta(days=10)), "grype": Database("6", NOW - timedelta(days=6))}
    judged = decide(case(policy=ONE, databases=old))
    assert judged.verdict == "error"
    assert [finding.why for finding in judged.violations] == [
        "stale database: its database is 6 d 0 h old, the policy allows 120 h",
        "stale database: its database is 10 d 0 h old, the policy allows 120 h",
    ]
    allowed = decide(case(policy=replace(ONE, allow_stale_database=True), databases=old))
    assert (allowed.verdict, allowed.stale) == ("passed", ("grype", "trivy"))


def test_a_database_is_fresh_up_to_its_limit() -> None:
    exact = {"trivy": Database("2", NOW - timedelta(hours=120))}
    assert decide(case(policy=ONE, databases=exact)).verdict == "passed"


# Rules of our own


@pytest.mark.parametrize(
    ("user", "root"),
    [
        ("", True),
        ("root", True),
        ("0", True),
        ("0:0", True),
        ("root:root", True),
        ("65534", False),
        ("app", False),
    ],
)
def test_root_is_root_by_any_name(user: str, root: bool) -> None:
    assert is_root(user) is root
    judged = decide(case(policy=ONE, fact=Fact(Kind.IMAGE, DIGEST, user=user)))
    assert [finding.name for finding in judged.violations] == (["root-user"] if root else [])


def test_the_size_has_a_budget() -> None:
    big = Fact(Kind.IMAGE, DIGEST, size=300 * 1024 * 1024, user="1000")
    judged = decide(case(policy=replace(ONE, max_size_mb=299), fact=big))
    assert judged.violations[0].why == "it has 300 MB, the policy allows 299 MB"
    assert decide(case(policy=replace(ONE, max_size_mb=300), fact=big)).verdict == "passed"


def test_a_distribution_at_its_end_blocks() -> None:
    reports = [report(end_of_life=True, distribution="debian 9.13")]
    judged = decide(case(policy=ONE, reports=reports))
    assert judged.violations[0].why == "debian 9.13 gets no security updates any more"
    assert decide(case(policy=replace(ONE, block_end_of_life=False), reports=reports)).verdict == "passed"


@pytest.mark.parametrize(
    ("rule", "level", "policy", "outcome"),
    [
        ("DL4000", Severity.HIGH, ONE, Outcome.BLOCKED),
        ("DL3009", Severity.LOW, ONE, Outcome.ALLOWED),
        ("DL3009", Severity.LOW, replace(ONE, block_checks_from="low"), Outcome.BLOCKED),
        ("DL9999", Severity.UNKNOWN, ONE, Outcome.BLOCKED),
        ("CIS-DI-0005", Severity.LOW, replace(ONE, block_checks_from="low"), Outcome.TOLD),
    ],
)
def test_checks_block_from_a_severity_on(
    rule: str, level: Severity, policy: Policy, outcome: Outcome
) -> None:
    merged = Merged(packages=case().merged.packages, checks=(("hadolint", Check(rule, level, "a title")),))
    [finding] = decide(case(policy=policy, merged=merged)).findings
    assert finding.outcome is outcome


def test_a_rule_is_excepted_for_a_path_only() -> None:
    checks = tuple(
        ("hadolint", Check("DL4000", Severity.HIGH, "old", path=path, line=2))
        for path in ("/src/api/Dockerfile", "/src/web/Dockerfile")
    )
    merged = Merged(packages=case().merged.packages, checks=checks)
    scope = replace(exemption().scope, purl=None, path="src/api/*")
    judged = decide(
        case(policy=ONE, merged=merged, exemptions=[exemption(id="", rule="DL4000", scope=scope)])
    )
    assert [finding.target for finding in judged.violations] == ["/src/web/Dockerfile:2"]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("WTFPL", False),
        ("AGPL-3.0-only", False),
        ("MIT OR AGPL-3.0-only", True),
        ("MIT AND AGPL-3.0-only", False),
        ("(mit)", True),
        ("Proprietary", False),
        ("(MIT OR AGPL-3.0-only) AND WTFPL", False),
        ("(MIT OR WTFPL) AND BSD-3-Clause", True),
    ],
)
def test_licences_pass_by_name_and_by_expression(expression: str, allowed: bool) -> None:
    rules = replace(ONE, denied_licences=("agpl-*", "WTFPL"), allowed_licences=("MIT", "BSD-*", "AGPL-*"))
    merged = Merged(packages=case().merged.packages, licences=(Licence(expression, "left-pad"),))
    judged = decide(case(policy=rules, merged=merged))
    assert (judged.verdict == "passed") is allowed


# The policy as data


def test_a_licence_that_nobody_knows_is_refused_before_anything_is_scanned() -> None:
    with pytest.raises(RampartError, match="MTI"):
        policies.parse({"denied_licences": ["MTI"]})


def test_a_policy_is_named_by_its_content() -> None:
    assert policies.parse({}).digest == Policy().digest
    assert policies.parse({"block_high": False}).digest != Policy().digest
    assert policies.parse({"due_hours": {"low": 24 * 60}}).due(Severity.LOW) == timedelta(days=60)


@pytest.mark.parametrize(
    "data", [{"due_hours": {"low": 1}}, {"due_hours": {"high": -1}}, {"due_hours": {"terrible": 1}}]
)
def test_a_policy_that_contradicts_itself_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(RampartError):
        policies.parse(data)
