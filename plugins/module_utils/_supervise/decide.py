# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what happens to each program, from what runs and what is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program, differences

Action = Literal["started", "restarted", "stopped", "unchanged"]

ALIVE = ("RUNNING", "STARTING")


@dataclass(frozen=True, slots=True)
class Running:
    """One program as supervisord knows it; the fingerprint is the process's own."""

    state: str
    pid: int = 0
    fingerprint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one program, and why."""

    name: str
    action: Action
    reason: str
    state: str
    pid: int = 0

    def entry(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "action": self.action,
            "reason": self.reason,
            "state": self.state,
            "pid": self.pid,
        }


def _wanted_step(
    program: Program,
    fingerprint: Mapping[str, str],
    running: Running | None,
    *,
    broken: str,
    orphaned: bool,
) -> Step:
    name = program.name
    state = running.state if running else "ABSENT"
    pid = running.pid if running else 0
    if broken:
        if not program.autostart:
            return Step(name, "unchanged", "it is started on request only", state, pid)
        return Step(name, "restarted" if orphaned or pid else "started", broken, state, pid)
    if running is None:
        action: Action = "started" if program.autostart else "unchanged"
        return Step(name, action, "supervisord does not know it yet", state)
    if state == "STARTING" and not running.fingerprint:
        return Step(name, "unchanged", "it is on its way up", state, pid)
    if state in ALIVE:
        changed = differences(fingerprint, running.fingerprint)
        if changed:
            return Step(name, "restarted", ", ".join(changed), state, pid)
        return Step(name, "unchanged", "it runs with what it should", state, pid)
    if not program.autostart:
        return Step(name, "unchanged", "it is started on request only", state, pid)
    if state == "BACKOFF":
        return Step(name, "restarted", "it kept ending and waits for its next try", state, pid)
    return Step(name, "started", f"it was {state}", state, pid)


def decide_started(
    programs: Iterable[Program],
    fingerprints: Mapping[str, Mapping[str, str]],
    running: Mapping[str, Running],
    *,
    broken: str,
    orphans: Mapping[str, int],
) -> list[Step]:
    """Decide for every program wanted or running; ``broken`` says why supervisord itself starts anew."""
    steps = [
        _wanted_step(
            program,
            fingerprints[program.name],
            running.get(program.name),
            broken=broken,
            orphaned=program.name in orphans,
        )
        for program in programs
    ]
    wanted = {step.name for step in steps}
    for name in sorted((running.keys() | orphans.keys()) - wanted):
        known = running.get(name)
        if known is None:
            steps.append(
                Step(
                    name, "stopped", "it ran without a supervisor and is not wanted", "ORPHAN", orphans[name]
                )
            )
        else:
            steps.append(Step(name, "stopped", "it is not wanted any more", known.state, known.pid))
    return steps


def decide_stopped(running: Mapping[str, Running], orphans: Mapping[str, int]) -> list[Step]:
    """Decide for every process there is: it ends."""
    steps = []
    for name in sorted(running.keys() | orphans.keys()):
        known = running.get(name)
        if name in orphans:
            steps.append(Step(name, "stopped", "it ran without a supervisor", "ORPHAN", orphans[name]))
        elif known is not None and (known.pid or known.state in (*ALIVE, "BACKOFF")):
            steps.append(Step(name, "stopped", "it was running", known.state, known.pid))
        else:
            steps.append(Step(name, "unchanged", "it does not run", known.state if known else "ABSENT"))
    return steps
