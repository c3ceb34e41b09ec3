# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a run leaves as evidence: for each rotation how it ended, whether that was good or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import MOST_ENTRIES, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome

GATE = "secret_rotate"
GOOD = frozenset({"finished", "waiting"})


def outcomes(rotations: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Return one outcome for each rotation id in each namespace."""
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in rotations:
        parts.setdefault((one["namespace"], one["id"]), []).append(one)
    return [_outcome(namespace, name, listed) for (namespace, name), listed in parts.items()]


def _outcome(namespace: str, name: str, listed: Sequence[Mapping[str, Any]]) -> Outcome:
    states = {secret: str(one["state"]) for one in listed for secret in one["secrets"]}
    bad = [f"{secret} is {state}" for secret, state in states.items() if state not in GOOD]
    waits = [f"{secret} waits" for secret, state in states.items() if state == "waiting"]
    summary = {
        "reason": listed[0]["reason"],
        "secrets": len(states),
        "states": dict(sorted(states.items())[:MOST_ENTRIES]),
    }
    identity = {"namespace": namespace, "rotation": name}
    subject = Subject("rotation", f"{namespace}/{name}", digest(identity))
    return Outcome(subject, bad, waits, summary=summary)


def record(rotations: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> list[str]:
    """Record how rotations ended; return the records. It only records, and the module decides."""
    found = outcomes(rotations)
    if not found:
        return []
    policy = {"scope": parameters["scope"], "reason": parameters["reason"]}
    silent = {**parameters, "report_only": True}
    gate = Gate.of(GATE, silent, check_mode=False, policy=policy, tools={}, next_step="")
    recorded: list[str] = gate.conclude(found).result["evidence"]
    return recorded
