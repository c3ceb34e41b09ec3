# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Leaves a record of every verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import (
    LONGEST,
    MOST_ENTRIES,
    Record,
    Subject,
)
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.outcome import LEVELS, Run, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import VULNERABILITY

GATE = "image_scan"
MOST_NAMED = 20

_VERDICTS = Literal["passed", "failed", "error"]


def record(folder: Path, run: Run, play: Mapping[str, str]) -> None:
    """Append one record per subject, and one for the digest by which pods name an image.

    Which of the two a node tells depends on its runtime, and what it runs may be built no more.
    """
    store = EvidenceStore(folder)
    for verdict in run.verdicts:
        own = of(verdict, run, play)
        store.append(own)
        named = verdict.examined.seen.named
        if verdict.digest and named not in ("", verdict.digest):
            store.append(replace(own, subject=replace(own.subject, digest=named)))


def of(verdict: Verdict, run: Run, play: Mapping[str, str]) -> Record:
    """Turn a verdict into a record: counts and names, no texts of scanners."""
    counts = verdict.counts
    blocking = [finding for finding in verdict.judged.violations if finding.kind == VULNERABILITY]
    until = min((one.end for one in verdict.judged.used), default=None)
    oldest = min((finding.first_seen for finding in blocking if finding.first_seen), default=None)
    # What was never found has no digest; the record is then about its name.
    known = verdict.digest or digest_of_bytes(verdict.examined.subject.shown.encode())
    return Record(
        gate=GATE,
        subject=Subject(_kind(verdict), verdict.line, known),
        verdict=cast(_VERDICTS, verdict.judged.verdict),
        tools={report.scanner: report.version for report in verdict.examined.reports},
        databases={
            name: {"version": one.version, "built": one.built.strftime(TIME)}
            for name, one in verdict.databases.items()
        },
        policy=run.policy_digest,
        exceptions=[one.key[:LONGEST] for one in verdict.judged.used][:MOST_ENTRIES],
        summary={
            "environment": run.environment,
            "vulnerabilities": {level: counts[level] for level in LEVELS},
            "packages": counts["packages"],
            "blocked": counts["blocked"],
            "excepted": counts["excepted"],
            "disagreements": counts["disagreements"],
            "cached": verdict.cached,
            "stale_databases": list(verdict.judged.stale),
            # A verdict that rests on exceptions ends with the first of them.
            "until": until.strftime(TIME) if until else "",
            "blocking": sorted({finding.name for finding in verdict.judged.violations})[:MOST_NAMED],
            "oldest_first_seen": oldest.strftime(TIME) if oldest else "",
        },
        play=play,
        time=run.now.strftime(TIME),
    )


def _kind(verdict: Verdict) -> str:
    return verdict.examined.subject.kind.value if verdict.digest else "unresolved"
