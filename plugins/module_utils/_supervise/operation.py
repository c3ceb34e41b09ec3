# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the programs of one directory into the wanted state."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import (
    leftovers,
    only_writer,
    write_atomic,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise import daemon
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import (
    Layout,
    LogLimits,
    head_fingerprint,
    render,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.decide import (
    Step,
    decide_started,
    decide_stopped,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.observe import Observed, observe
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.ownership import (
    hand_over,
    refuse_unreachable,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.processes import end
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program, check
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.rpc import NoAnswerError, Supervisor
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.waiting import Held, wait_running

State = Literal["started", "stopped", "absent"]

# supervisord looks at its programs once a second, and a loaded machine takes its time to start one.
SETTLE_SECONDS = 10.0

# Who else could write into the folder could change what runs. Passing through it is no harm: all
# that lies in it is its owner's only.
FOREIGN_WRITERS = 0o022


@dataclass(frozen=True, slots=True)
class Decision:
    """All that was found out in one look."""

    observed: Observed
    steps: list[Step]
    broken: str
    config: str
    reasons: list[str]


@dataclass(slots=True)
class SupervisedPrograms:
    """The programs of one directory."""

    layout: Layout
    limits: LogLimits
    programs: Sequence[Program]
    state: State
    redactor: Redactor
    wait: bool = True
    wait_seconds: float = 60.0
    failures_allowed: int = 5
    _head: str = field(default="", init=False)

    def plan(self) -> Plan:
        """Look and decide; nothing is touched."""
        self.layout.check()
        names = [program.name for program in self.programs]
        for name in names:
            if names.count(name) > 1:
                raise RampartError(
                    f"The program {name} is given twice.", next_step="give each program its own name"
                )
        for program in self.programs:
            check(program)
        return self._as_plan(self._decide())

    def _decide(self) -> Decision:
        if self.state != "started":
            return self._decide_ended(observe(self.layout))
        observed = self._settled()
        settings = self.limits.settings()
        fingerprints = {program.name: program.fingerprint(settings) for program in self.programs}
        self._head = head_fingerprint(self.layout, self.limits)
        broken = self._broken(observed)
        steps = decide_started(
            self.programs, fingerprints, observed.running, broken=broken, orphans=observed.orphan_pids()
        )
        config = render(self.layout, self.limits, self.programs, fingerprints)
        reasons = [
            f"{step.name} {step.action}: {step.reason}" for step in steps if step.action != "unchanged"
        ]
        if broken and not reasons:
            reasons.append(broken)
        if config != observed.config and not reasons:
            reasons.append(f"{self.layout.config} differs from what is wanted")
        known = {step.name for step in steps if step.action != "unchanged"}
        reasons += [
            f"{process.program} ({process.pid}) runs without a supervisor"
            for process in observed.orphans
            if process.program not in known
        ]
        return Decision(observed, steps, broken, config, reasons)

    def _settled(self) -> Observed:
        """Look until no program is on its way up: only then it is known whether it stays."""
        patience = max((program.start_seconds for program in self.programs), default=0)
        deadline = time.monotonic() + (patience + SETTLE_SECONDS if self.wait else 0)
        while True:
            observed = observe(self.layout)
            starting = any(program.state == "STARTING" for program in observed.running.values())
            if not starting or time.monotonic() > deadline:
                return observed
            time.sleep(daemon.LOOK_SECONDS)

    def _decide_ended(self, observed: Observed) -> Decision:
        steps = decide_stopped(observed.running, observed.orphan_pids())
        reasons = [f"{step.name} stopped: {step.reason}" for step in steps if step.action == "stopped"]
        if observed.supervisors and not reasons:
            reasons.append("supervisord ran without programs")
        stale = [path for path in (self.layout.socket, self.layout.pid) if os.path.lexists(path)]
        if stale and not observed.supervisors:
            reasons.append("a supervisord that is gone left its socket or its number behind")
        if self.state == "absent" and (observed.config or self.layout.logs.is_dir()):
            reasons.append(f"{self.layout.directory} held its configuration and logs")
        return Decision(observed, steps, "", observed.config, reasons)

    def _broken(self, observed: Observed) -> str:
        """Say why supervisord itself has to start anew; empty when it need not."""
        if not observed.supervisors:
            return (
                "supervisord was killed and left it running"
                if observed.orphans
                else "supervisord does not run"
            )
        if not observed.answers:
            return "supervisord does not answer"
        if observed.head != self._head:
            return "supervisord runs with other settings"
        return ""

    def _as_plan(self, decision: Decision) -> Plan:
        changed = [step for step in decision.steps if step.action != "unchanged"]
        wanted = {"started": "RUNNING", "restarted": "RUNNING", "stopped": "STOPPED"}
        return Plan(
            changed=bool(decision.reasons),
            reason="; ".join(decision.reasons) or "everything is as it should be",
            before={step.name: step.state for step in changed},
            after={step.name: f"{wanted[step.action]}, {step.action}: {step.reason}" for step in changed},
            result={
                "programs": [step.entry() for step in decision.steps],
                "directory": str(self.layout.directory),
                "socket": str(self.layout.socket),
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Act on a fresh look, as the only writer of the directory."""
        if self.state == "started":
            self._refuse_missing()
            self._make_folders()
        if not self.layout.directory.is_dir():
            # Processes without their directory: somebody removed it under them.
            daemon.stop_all(self.layout, self._decide().observed)
            return plan
        with only_writer(self.layout.directory):
            decision = self._decide()
            plan = self._as_plan(decision)
            try:
                if self.state == "started":
                    return self._start(decision, plan)
                daemon.stop_all(self.layout, decision.observed)
            except NoAnswerError as error:
                raise RampartError(
                    f"supervisord stopped answering in the middle of the work: {error}.",
                    next_step=f"look into {self.layout.log}, then run again: it starts anew",
                ) from error
            if self.state == "absent":
                daemon.remove_files(self.layout)
            return self._completed(plan, {})

    def _start(self, decision: Decision, plan: Plan) -> Plan:
        if decision.broken:
            daemon.stop_all(self.layout, decision.observed)
        else:
            end(decision.observed.orphans)
        if decision.config != decision.observed.config:
            for leftover in leftovers(self.layout.config):
                leftover.unlink(missing_ok=True)
            write_atomic(self.layout.config, decision.config.encode())
        if decision.broken:
            hand_over(self.programs)
            supervisor = daemon.start(self.layout, self._head)
            begun = {program.name for program in self.programs if program.autostart}
        else:
            supervisor = Supervisor(self.layout.socket)
            begun = self._update(supervisor, decision)
        held = Held(supervisor, [item for item in self.programs if item.after and item.name in begun])
        held.release(at_once=not self.wait)
        infos = (
            wait_running(
                supervisor,
                self.programs,
                held,
                self.layout,
                self.redactor,
                seconds=self.wait_seconds,
                failures_allowed=self.failures_allowed,
            )
            if self.wait
            else supervisor.programs()
        )
        return self._completed(plan, infos)

    def _update(self, supervisor: Supervisor, decision: Decision) -> set[str]:
        """Replace in the living supervisord what changed, and only that; return what begins anew."""
        added, changed, removed = supervisor.reload()
        by_action = {action: {s.name for s in decision.steps if s.action == action} for action in _ACTIONS}
        replaced = (changed | by_action["restarted"]) - added
        gone = removed | by_action["stopped"]
        daemon.stop_programs(supervisor, replaced | gone)
        for name in replaced | gone:
            supervisor.remove(name)
        begun = (replaced | added | by_action["started"]) & {p.name for p in self.programs if p.autostart}
        hand_over(program for program in self.programs if program.name in begun)
        for name in replaced | added:
            supervisor.add(name)
        wanted = {program.name for program in self.programs if not program.after}
        for name in (by_action["started"] | by_action["restarted"]) & wanted:
            supervisor.start(name)
        return begun

    def _completed(self, plan: Plan, infos: dict[str, dict[str, Any]]) -> Plan:
        for entry in plan.result["programs"]:
            info = infos.get(entry["name"], {"statename": "STOPPED", "pid": 0, "start": 0})
            entry["state"], entry["pid"] = info["statename"], info["pid"]
            entry["started"] = info["start"] if info["pid"] else 0
        return plan

    def _make_folders(self) -> None:
        for folder in (self.layout.directory, self.layout.logs):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if folder.stat().st_mode & FOREIGN_WRITERS:
                    folder.chmod(0o700)
            except OSError as error:
                raise RampartError(
                    f"Could not create the folder {folder}: {error.strerror}.",
                    next_step="make the folder above it writable, or give another directory",
                    path=str(folder),
                ) from error

    def _refuse_missing(self) -> None:
        for program in self.programs:
            refuse_unreachable(program)
            executable = Path(program.argv[0])
            missing = [path for path in program.reads if not path.exists()]
            if missing:
                raise RampartError(
                    f"{missing[0]}, which the program {program.name} reads, does not exist.",
                    next_step="write the program's files before it is started",
                    program=program.name,
                    path=str(missing[0]),
                )
            if not os.access(executable, os.X_OK) or executable.is_dir():
                raise RampartError(
                    f"{executable}, which the program {program.name} runs, does not exist or cannot be run.",
                    next_step="install it (role rampart.k8s.tools does) or correct its path",
                    program=program.name,
                    path=str(executable),
                )


_ACTIONS = ("started", "restarted", "stopped", "unchanged")
