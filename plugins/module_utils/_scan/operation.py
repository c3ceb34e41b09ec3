# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The gate over a list of images: get the reports, judge, write down, open or shut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._scan import (
    evidence,
    exceptions,
    report_table,
    writing,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.decide import decide
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption
from ansible_collections.rampart.k8s.plugins.module_utils._scan.judging import Examined, Judging
from ansible_collections.rampart.k8s.plugins.module_utils._scan.locate import Finder, Places
from ansible_collections.rampart.k8s.plugins.module_utils._scan.merge import merge
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Merged
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import LEVELS, Run, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._scan.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import Cache, State
from ansible_collections.rampart.k8s.plugins.module_utils._scan.subjects import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._scan.tooling import Tooling, Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import (
    SCANNER,
    Case,
    Finding,
    Judged,
    Outcome,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What the person asked for."""

    subjects: tuple[Subject, ...]
    policy: Policy
    environment: str
    exceptions: Path | None
    wanted: Wanted
    places: Places
    cache_dir: Path
    state_dir: Path
    report_dir: Path | None
    report_only: bool
    check_mode: bool
    evidence_dir: Path | None
    play: Mapping[str, str]


class ImageScan:
    """The operation behind the module image_scan."""

    def __init__(self, order: Order, progress: Progress) -> None:
        self._order = order
        self._progress = progress
        self._state = State(order.state_dir)

    def plan(self) -> Plan:
        """Judge everything. A gate changes nothing, so there is nothing to apply."""
        order = self._order
        now = datetime.now(UTC).replace(microsecond=0)
        whole = exceptions.read(order.exceptions, now) if order.exceptions else ()
        # Those of admission policies are none of a scanner's business.
        exemptions = tuple(one for one in whole if not one.policy)
        cache = Cache(order.cache_dir, write=not order.check_mode)
        with cache.work() as work:
            tooling = Tooling(order.wanted, cache, work, now, keep=not order.check_mode)
            finder = Finder(order.places, order.wanted.timeout)
            examined = Judging(tooling, finder, cache, self._progress, work).examine(order.subjects)
        cache.save()
        cache.drop_old()
        trends: dict[str, list[dict[str, Any]]] = {}
        if order.check_mode:
            verdicts = [self._judge(one, exemptions, tooling, now) for one in examined]
        else:
            verdicts, trends = self._judge_and_keep(examined, exemptions, tooling, now)
        run = Run(
            verdicts,
            now,
            order.environment,
            order.policy.digest,
            exemptions,
            [said for one in exemptions if (said := exceptions.warning(one, now))],
            self._unused(exemptions, verdicts, now),
            [f"{one} ended on {one.expires}" for one in exemptions if not one.active(now)],
            trends,
        )
        written = self._write(run)
        return self._conclude(run, tooling, written)

    def apply(self, plan: Plan) -> Plan:
        """Nothing is ever left to do."""
        return plan

    def _judge_and_keep(
        self, examined: Sequence[Examined], exemptions: Sequence[Exemption], tooling: Tooling, now: datetime
    ) -> tuple[list[Verdict], dict[str, list[dict[str, Any]]]]:
        verdicts, trends = [], {}
        # Nobody else moves a clock between its reading and its writing.
        with self._state.only_writer():
            for one in examined:
                verdict = self._judge(one, exemptions, tooling, now)
                verdicts.append(verdict)
                if one.error is None:
                    line = one.subject.line
                    clock = self._seen(self._state.read(line)[0], verdict.merged, now)
                    trends[line] = self._state.save(line, clock, _point(verdict, now))
        return verdicts, trends

    def _seen(self, clock: Clock, merged: Merged, now: datetime) -> Clock:
        return clock.seen([one.names for one in merged.vulnerabilities], now)

    def _judge(
        self, one: Examined, exemptions: Sequence[Exemption], tooling: Tooling, now: datetime
    ) -> Verdict:
        if one.error is not None or one.fact is None:
            said = one.error or RampartError("it could not be read")
            finding = Finding(
                SCANNER, one.subject.line, "", None, Outcome.BLOCKED, said.message, next_step=said.next_step
            )
            return Verdict(one, Merged(), Judged("error", (finding,)))
        merged = merge(one.reports)
        ran = one.ran
        databases = {name: database for name, database in tooling.databases.items() if name in ran}
        clock = self._seen(self._state.read(one.subject.line)[0], merged, now)
        case = Case(
            fact=one.fact,
            merged=merged,
            policy=self._order.policy,
            exemptions=exemptions,
            clock=clock,
            now=now,
            failures=one.failures,
            databases=databases,
            ran=ran,
            expect_packages=one.subject.expect_packages,
        )
        return Verdict(one, merged, decide(case), tooling.versions, databases)

    def _unused(
        self, exemptions: Sequence[Exemption], verdicts: Sequence[Verdict], now: datetime
    ) -> list[str]:
        used = {one for verdict in verdicts for one in verdict.judged.used}
        digests = {verdict.digest for verdict in verdicts}
        return [
            f"{one} covers nothing"
            for one in exemptions
            # One for an image that was not judged now may well be used.
            if one not in used and one.active(now) and one.scope.digest in ("", *digests)
        ]

    def _write(self, run: Run) -> list[str]:
        order = self._order
        if order.check_mode:
            return []
        written = writing.write(order.report_dir, writing.render(run)) if order.report_dir else []
        if order.evidence_dir is not None:
            evidence.record(order.evidence_dir, run, order.play)
        return written

    def _conclude(self, run: Run, tooling: Tooling, written: list[str]) -> Plan:
        result = {
            "passed": run.passed,
            "images": [verdict.as_data() for verdict in run.verdicts],
            "table": report_table.bounded(run),
            "reports": written,
            "scanners_started": len(tooling.started),
            "network": tooling.sandbox.network or "no scanner was started",
            "policy": run.policy_digest,
            "exceptions": {
                "warnings": list(run.warnings),
                "expired": list(run.expired),
                "unused": list(run.unused),
            },
        }
        shut = [
            verdict
            for verdict in run.verdicts
            # On a machine where nothing is yet, nothing can be judged: check mode says so and goes on.
            if not verdict.passed and not (self._order.check_mode and verdict.judged.verdict == "error")
        ]
        if shut and not self._order.report_only:
            said = "\n".join(f"- {verdict.line}: {verdict.reason}" for verdict in shut)
            steps = [row["next_step"] for verdict in shut for row in verdict.as_data(1)["violations"]]
            raise RampartError(
                f"{run.reason}.\n{said}", next_step="; ".join(dict.fromkeys(filter(None, steps))), **result
            )
        return Plan(False, run.reason, result=result)


def _point(verdict: Verdict, now: datetime) -> dict[str, Any]:
    counts = verdict.counts
    return {
        "day": now.strftime("%Y-%m-%d"),
        "verdict": verdict.judged.verdict,
        **{level: counts[level] for level in LEVELS},
        "excepted": counts["excepted"],
    }
