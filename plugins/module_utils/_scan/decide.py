# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The gate. What was found, the policy, the exceptions, the clock and the time in; one verdict out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._sbom.licences import Judge, Standing
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check, Kind, Vulnerability
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure, Trouble
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import (
    CHECK,
    END_OF_LIFE,
    LICENCE,
    ROOT_USER,
    SCANNER,
    SIZE,
    VULNERABILITY,
    Case,
    Finding,
    Judged,
    Outcome,
)

MEGABYTE = 1024 * 1024

# Which scanners can judge what, the one that takes longest first.
BY_KIND = {
    Kind.IMAGE: ("grype", "trivy", "dockle"),
    Kind.SBOM: ("grype", "trivy"),
    Kind.DOCKERFILE: ("hadolint",),
}


def decide(case: Case) -> Judged:
    """Judge one subject."""
    used: list[Exemption] = []
    findings = [
        *_scanners(case),
        *_vulnerabilities(case, used),
        *_rules(case, used),
        *_checks(case, used),
        *_licences(case, used),
    ]
    blocked = [finding for finding in findings if finding.outcome is Outcome.BLOCKED]
    verdict = "passed"
    if blocked:
        verdict = "error" if any(finding.kind == SCANNER for finding in blocked) else "failed"
    ordered = sorted(findings, key=_order)
    disagreements = (
        *case.merged.disagreements,
        *(
            f"{one.name} in {one.package}: {said}"
            for one in case.merged.vulnerabilities
            for said in one.disagreements
        ),
    )
    return Judged(verdict, tuple(ordered), tuple(dict.fromkeys(used)), stale_of(case), disagreements)


def stale_of(case: Case) -> tuple[str, ...]:
    """Name the databases that are older than the policy allows."""
    limit = timedelta(hours=case.policy.max_database_hours)
    return tuple(sorted(name for name, one in case.databases.items() if case.now - one.built > limit))


def _order(finding: Finding) -> tuple[int, int, str, str]:
    places = {Outcome.BLOCKED: 0, Outcome.ALLOWED: 1, Outcome.EXCEPTED: 2, Outcome.TOLD: 3}
    # What could not be judged comes first: it hides the rest.
    level = Severity.CRITICAL + 1 if finding.severity is None else int(finding.severity)
    return places[finding.outcome], -level, finding.name, finding.target


def _failed(scanner: str, trouble: Trouble, said: str) -> Finding:
    failure = Failure(scanner, trouble, said)
    return Finding(
        SCANNER, scanner, "", None, Outcome.BLOCKED, f"{trouble}: {said}", next_step=failure.next_step
    )


def _scanners(case: Case) -> Iterator[Finding]:
    """Block for every scanner that should have judged and did not."""
    policy = case.policy
    can_judge = set(BY_KIND[case.fact.kind]) | (
        {"hadolint"} if case.fact.dockerfile or policy.require_dockerfile else set()
    )
    failed = {failure.scanner for failure in case.failures}
    for failure in case.failures:
        # One that is not there and that nobody requires is no loss; one that was run and failed is.
        if failure.trouble is Trouble.MISSING and failure.scanner not in policy.required_scanners:
            yield Finding(SCANNER, failure.scanner, "", None, Outcome.TOLD, "not installed, and not required")
        else:
            yield _failed(failure.scanner, failure.trouble, failure.said)
    for scanner in policy.required_scanners:
        if scanner in can_judge and scanner not in case.ran | failed:
            said = "the policy requires it, but there is nothing that it could read"
            yield _failed(scanner, Trouble.NO_INPUT, said)
    for scanner, said in sorted(case.merged.blind.items()):
        yield _failed(scanner, Trouble.BLIND, said)
    looked = sorted(case.ran & {"trivy", "grype"})
    if case.expect_packages and looked and not case.merged.packages:
        yield _failed(", ".join(looked), Trouble.BLIND, "no package was found, so nothing was compared")
    if not policy.allow_stale_database:
        for name in stale_of(case):
            age = case.now - case.databases[name].built
            said = (
                f"{age.days} d {age.seconds // 3600} h old, the policy allows {policy.max_database_hours} h"
            )
            yield _failed(name, Trouble.STALE_DATABASE, f"its database is {said}")


def _excepted(
    case: Case, used: list[Exemption], covers: Callable[[Exemption], bool]
) -> tuple[Exemption | None, Exemption | None]:
    """Return an exception that counts, and one that has ended, if there are such."""
    covering = [one for one in case.exemptions if covers(one)]
    used += covering
    active = next((one for one in covering if one.active(case.now)), None)
    ended = next((one for one in covering if not one.active(case.now)), None)
    return active, None if active else ended


def _vulnerabilities(case: Case, used: list[Exemption]) -> Iterator[Finding]:
    return (_vulnerability(case, used, one) for one in case.merged.vulnerabilities)


def _vulnerability(case: Case, used: list[Exemption], one: Vulnerability) -> Finding:
    level = one.severity(case.policy.severity)
    first = case.clock.first_seen(one.names) or case.now
    due = first + case.policy.due(level)
    why = _why_blocked(one, level, due, case)
    outcome = Outcome.BLOCKED if why else Outcome.ALLOWED
    active, ended = _excepted(
        case,
        used,
        lambda item: item.covers_vulnerability(one.names, one.package, one.paths, case.fact.digest),
    )
    if active:
        outcome, why = Outcome.EXCEPTED, _allowed(active)
    elif ended:
        outcome, why = Outcome.BLOCKED, f"{ended} has ended"
    return Finding(
        VULNERABILITY,
        one.name,
        str(one.package),
        level,
        outcome,
        why or "not yet due",
        one.title,
        one.fix,
        due,
        first,
        active.key if active else "",
        tuple(one.said),
        one.disagreements,
        one,
    )


def _allowed(exemption: Exemption) -> str:
    return f"allowed until {exemption.expires} by {exemption.approver}"


def _why_blocked(one: Vulnerability, level: Severity, due: datetime, case: Case) -> str:
    """Say why a vulnerability blocks; empty when it does not. These are the guideline's rules."""
    policy = case.policy
    if level is Severity.UNKNOWN:
        return "nobody says how bad it is"
    if level is Severity.CRITICAL and policy.block_critical:
        return "critical ones block"
    if level is Severity.HIGH and policy.block_high:
        return "high ones block"
    if level is Severity.MEDIUM and not policy.allow_medium_with_fix:
        return "medium ones are not allowed"
    if level is Severity.MEDIUM and not one.fix:
        return "medium ones pass only where a fix exists"
    return "its repair is overdue" if case.now >= due else ""


def _rule(
    case: Case, used: list[Exemption], kind: str, name: str, why: str, level: Severity = Severity.HIGH
) -> Finding:
    """Return what blocks, unless an exception covers it."""
    active, ended = _excepted(case, used, lambda item: item.covers_rule(name, (), case.fact.digest))
    if active:
        said = f"{why}; {_allowed(active)}"
        return Finding(kind, name, "", level, Outcome.EXCEPTED, said, exemption=active.key)
    return Finding(kind, name, "", level, Outcome.BLOCKED, f"{why}; {ended} has ended" if ended else why)


def _rules(case: Case, used: list[Exemption]) -> Iterator[Finding]:
    """Judge what needs no scanner, or only a word of one."""
    policy, fact = case.policy, case.fact
    if policy.block_end_of_life and case.merged.end_of_life:
        why = f"{case.merged.distribution or 'its distribution'} gets no security updates any more"
        yield _rule(case, used, END_OF_LIFE, END_OF_LIFE, why)
    if fact.kind is not Kind.IMAGE:
        return
    if policy.block_root and is_root(fact.user):
        yield _rule(
            case, used, ROOT_USER, ROOT_USER, f"it runs as {fact.user or 'root, since it names no user'}"
        )
    if policy.max_size_mb and fact.size > policy.max_size_mb * MEGABYTE:
        why = f"it has {fact.size / MEGABYTE:.0f} MB, the policy allows {policy.max_size_mb} MB"
        yield _rule(case, used, SIZE, SIZE, why, Severity.MEDIUM)


def is_root(user: str) -> bool:
    """Whether an image's user is root: by name, by number, or because none is named."""
    return user.partition(":")[0] in ("", "root", "0")


def _checks(case: Case, used: list[Exemption]) -> Iterator[Finding]:
    return (_check(case, used, scanner, check) for scanner, check in case.merged.checks)


def _check(case: Case, used: list[Exemption], scanner: str, check: Check) -> Finding:
    why = "; ".join(check.details[:3]) or check.title
    paths = (check.path,) if check.path else ()
    active, ended = _excepted(case, used, lambda item: item.covers_rule(check.rule, paths, case.fact.digest))
    if check.rule in case.policy.not_about_images:
        outcome = Outcome.TOLD
    elif active:
        outcome, why = Outcome.EXCEPTED, f"{why}; {_allowed(active)}"
    elif ended:
        outcome, why = Outcome.BLOCKED, f"{why}; {ended} has ended"
    elif check.severity in (Severity.UNKNOWN, *_from(case.policy.checks_from)):
        outcome = Outcome.BLOCKED
    else:
        outcome = Outcome.ALLOWED
    return Finding(
        CHECK,
        check.rule,
        f"{check.path}:{check.line}" if check.line else check.path,
        check.severity,
        outcome,
        why,
        check.title,
        exemption=active.key if active and outcome is Outcome.EXCEPTED else "",
        scanners=(scanner,),
    )


def _from(lowest: Severity) -> list[Severity]:
    return [level for level in Severity if level >= lowest]


def _licences(case: Case, used: list[Exemption]) -> Iterator[Finding]:
    policy = case.policy
    if not (policy.denied_licences or policy.allowed_licences):
        return
    judge = Judge(policy.licences)
    # Where the policy lists what is allowed, what nobody knows is not.
    passing = {Standing.ALLOWED} if policy.allowed_licences else {Standing.ALLOWED, Standing.UNKNOWN}
    found: dict[str, list[str]] = {}
    for licence in case.merged.licences:
        found.setdefault(licence.name, []).append(licence.package)
    for name, packages in sorted(found.items()):
        if judge.standing(name) not in passing:
            listed = ", ".join(sorted(set(packages))[:5])
            yield _rule(case, used, LICENCE, f"licence:{name}", f"the policy does not allow it ({listed})")
