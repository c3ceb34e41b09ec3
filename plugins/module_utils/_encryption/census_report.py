# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Words a census: as a module's result, and as the outcome of a gate that leaves signed evidence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import judge, percentage
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    PLAIN,
    Configuration,
    Mark,
    entries_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import Counted
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import MOST_ENTRIES, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome

GATE = "encryption_census"

_UNFIT = re.compile(r"[^A-Za-z0-9_.:/@+-]")
_LONGEST_NAME = 128


def writing(configuration: Configuration | None, resource: str) -> Mark | None:
    """Return what new values of a resource carry; None when no entry covers it."""
    entries = entries_of(configuration, resource) if configuration else []
    return entries[0].mark if entries else None


def encrypts(configuration: Configuration) -> Callable[[str], bool]:
    """Return the question whether a configuration stores a resource encrypted."""
    return lambda resource: writing(configuration, resource) not in (None, PLAIN)


def describe(
    counted: Counted, configuration: Configuration | None, hits: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the census as plain data, with its verdict."""
    live, history = counted.live, counted.history
    verdict = judge(live, history, hits)
    rows = [_with_writer(row, configuration) for row in live.rows()]
    past = [_with_writer(row, configuration) for row in history.rows()]
    whole, sealed = live.total(), live.total(encrypted=True)
    return {
        "reason": verdict.reason,
        "verdict": verdict.verdict,
        "encrypted_completely": verdict.complete,
        "encrypted_percent": percentage(sealed, whole),
        "wanted": list(live.wanted),
        "nothing_stored_of": live.missing(),
        "live_values": whole,
        "encrypted": sealed,
        "unencrypted": whole - sealed,
        "unencrypted_objects": live.open_objects,
        "under_other_keys": _under_other_keys(rows),
        "counts": rows,
        "revision": counted.revision,
        "compacted_revision": counted.compacted,
        "history_values": history.total(),
        "history_unencrypted": history.total(encrypted=False),
        "history_under_other_keys": _under_other_keys(past),
        "canary_objects": sorted({*live.needle_objects, *history.needle_objects}),
        "canary_files": list(hits),
    }


def _with_writer(row: dict[str, Any], configuration: Configuration | None) -> dict[str, Any]:
    """Say whether values carry the key that the configuration writes with now."""
    if configuration is None:
        return row
    writer = writing(configuration, row["resource"])
    current = not row["wanted"] or writer is None or Mark(row["provider"], row["key"]) == writer
    return {**row, "current": current}


def _under_other_keys(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["count"] for row in rows if not row.get("current", True))


def gate(parameters: Mapping[str, Any], wanted: Sequence[str], *, check_mode: bool) -> Gate:
    """Return the gate of a census; it only records, and whoever asked decides."""
    policy = {"encrypted": list(wanted)}
    silent = {**parameters, "report_only": True}
    return Gate.of(GATE, silent, check_mode=check_mode, policy=policy, tools={}, next_step="")


def outcome(name: str, result: Mapping[str, Any]) -> Outcome:
    """Return what goes into the evidence: every count, and what keeps the census from being clean."""
    violations = [] if result["encrypted_completely"] else [result["reason"]]
    if result["under_other_keys"]:
        violations.append(f"{result['under_other_keys']} values are not under the key that is written with")
    figures = (
        "revision",
        "compacted_revision",
        "live_values",
        "encrypted",
        "unencrypted",
        "under_other_keys",
        "history_values",
        "history_unencrypted",
        "history_under_other_keys",
    )
    counts: Counter[str] = Counter()
    for row in result["counts"]:
        if row["wanted"]:
            counts[_named(row)] += row["count"]
    kept = dict(sorted(counts.items())[:MOST_ENTRIES])
    summary = {"verdict": result["verdict"], "counts": kept, **{name: result[name] for name in figures}}
    return Outcome(Subject("etcd", name, digest(summary)), violations, summary=summary)


def _named(row: Mapping[str, Any]) -> str:
    name = "/".join(filter(None, (row["resource"], row["provider"], row["key"], row["key_id"])))
    return _UNFIT.sub("-", name)[:_LONGEST_NAME]
