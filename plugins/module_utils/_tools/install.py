# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The operation of the module tool_install: decide for each tool, get what is missing, link it."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._tools import links, schedule
from ansible_collections.rampart.k8s.plugins.module_utils._tools.cache import Cache
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import (
    Answer,
    Decision,
    Probe,
    choose,
    summary,
)
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import MACHINES, Tool, parse
from ansible_collections.rampart.k8s.plugins.module_utils._tools.go import Go
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory
from ansible_collections.rampart.k8s.plugins.module_utils._tools.mirror import Mirror
from ansible_collections.rampart.k8s.plugins.module_utils._tools.sources import (
    UNPACK_MEMORY_MB,
    Sources,
    require_space,
)
from ansible_collections.rampart.k8s.plugins.module_utils._tools.system import SystemPath

# Probes wait for the network or for programs, not for the processor.
_PROBES_AT_ONCE = 8


def _architecture() -> str:
    machine = platform.machine()
    if machine not in MACHINES:
        raise RampartError(
            f"No tools are listed for the architecture {machine}.",
            next_step=f"use a machine of {', '.join(sorted(set(MACHINES.values())))}",
        )
    return MACHINES[machine]


def _stopped(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


class ToolInstall:
    """The tools of one task."""

    def __init__(self, parameters: Mapping[str, Any], *, check_mode: bool) -> None:
        self._check_mode = check_mode
        self._architecture = _architecture()
        self._tools = [parse(entry, self._architecture) for entry in parameters["tools"]]
        _require_apart(self._tools)
        self._allowed: list[str] = parameters["sources"]
        self._prefix = Path(parameters["prefix"])
        root = Path(parameters["cache_dir"])
        self._memory = Memory(root / "verified.json", full=parameters["verify"] == "full")
        mirror = parameters["mirror"]
        self._sources = Sources(
            cache=Cache(root, self._memory),
            memory=self._memory,
            go=Go(Path(parameters["go_modules_dir"])),
            mirror=Mirror(mirror, pin=parameters["mirror_sha256"] or "") if mirror else None,
            architecture=self._architecture,
            say=Progress(parameters["_progress_file"]).say,
        )
        self._decisions: list[Decision] = []

    def _probes(self) -> dict[str, Probe]:
        path = SystemPath(os.environ.get("PATH", ""), bin_dir=self._prefix / "bin", memory=self._memory)
        known: dict[str, Probe] = {
            "path": path.answer,
            "cache": self._sources.cached,
            "mirror": self._sources.mirrored,
            "release": self._sources.released,
            "build": self._sources.built,
        }
        return {source: probe for source, probe in known.items() if source in self._allowed}

    def plan(self) -> Plan:
        """Find out where each tool comes from and which links are not right."""
        probes = self._probes()
        with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
            self._decisions = list(
                pool.map(lambda tool: choose(tool, probes, check_mode=self._check_mode), self._tools)
            )
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        wrong_links: list[str] = []
        changed = set()
        for decision in self._decisions:
            tool = decision.tool
            shown = f"from {decision.source}: {decision.answer.note}"
            targets = dict(decision.answer.files) or dict.fromkeys(tool.places, shown)
            now = links.missing(self._prefix, targets)
            if decision.source == "package":
                continue
            if not decision.fetches:
                wrong_links += now
            if now or decision.fetches:
                changed.add(tool.name)
                before[tool.name] = now
                after[tool.name] = {place: targets[place] for place in now} or shown
        if not self._check_mode:
            self._memory.save()
        return Plan(
            changed=bool(changed),
            reason=summary(self._decisions, wrong_links),
            before=before,
            after=after,
            result=self._result(changed),
        )

    def _result(self, changed: set[str]) -> dict[str, Any]:
        return {
            "bin_dir": str(self._prefix / "bin"),
            "tools": [
                {
                    "name": decision.tool.name,
                    "version": decision.tool.version,
                    "source": decision.source,
                    "reason": decision.reason,
                    "changed": decision.tool.name in changed,
                    "files": {
                        place: {
                            "path": str(self._prefix / place),
                            "target": decision.answer.files.get(place),
                            "sha256": decision.answer.sums.get(place),
                        }
                        for place in decision.tool.places
                    },
                }
                for decision in self._decisions
            ],
        }

    def apply(self, plan: Plan) -> Plan:
        """Get what is missing, then set the links; a tool is linked only when it is whole."""
        self._fetch([decision for decision in self._decisions if decision.fetches])
        for decision in self._decisions:
            self._sources.cache.sweep(decision.tool)
        targets = {
            place: target for decision in self._decisions for place, target in decision.answer.files.items()
        }
        links.make(self._prefix, {place: targets[place] for place in links.missing(self._prefix, targets)})
        self._memory.save()
        after = {
            decision.tool.name: {
                place: decision.answer.files[place] for place in plan.before[decision.tool.name]
            }
            for decision in self._decisions
            if decision.tool.name in plan.before
        }
        changed = {item["name"] for item in plan.result["tools"] if item["changed"]}
        return replace(plan, after=after, result=self._result(changed))

    def _fetch(self, missing: list[Decision]) -> None:
        if not missing:
            return
        root = self._sources.cache.root
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o755)
        except OSError as error:
            raise RampartError(
                f"Could not make the tools cache {root}: {error.strerror}.",
                next_step="choose a tools_cache_dir that you can write to",
                path=str(root),
            ) from error
        builds = [decision.tool.go for decision in missing if decision.source == "build" and decision.tool.go]
        if builds:
            require_space((root, *self._sources.go.cache_folders), sum(build.disk_mb for build in builds))

        def get(number: int) -> None:
            decision = missing[number]
            artifact = self._sources.fetch(decision)
            answer = Answer(
                True, decision.answer.note, artifact.files(decision.tool), artifact.sums, artifact
            )
            place = next(i for i, item in enumerate(self._decisions) if item.tool.name == decision.tool.name)
            self._decisions[place] = replace(decision, answer=answer)

        jobs = [
            schedule.Job(
                decision.tool.name,
                decision.tool.go.memory_mb
                if decision.source == "build" and decision.tool.go
                else UNPACK_MEMORY_MB,
                partial(get, number),
            )
            for number, decision in enumerate(missing)
        ]
        before = signal.signal(signal.SIGTERM, _stopped)
        try:
            schedule.run_all(
                jobs,
                memory_mb=schedule.available_mb(Path("/proc/meminfo").read_text(), schedule.cgroup_free_mb()),
                slots=max(2, os.cpu_count() or 1),
                say=self._sources.say,
            )
        finally:
            signal.signal(signal.SIGTERM, before)
            # Even when one tool failed, the sums of the others need not be computed again.
            self._memory.save()


def _require_apart(tools: list[Tool]) -> None:
    """Refuse two tools of one name or for one place: the second would replace the first for ever."""
    seen: dict[str, str] = {}
    for tool in tools:
        for claim in (f"the name {tool.name}", *tool.places):
            if claim in seen:
                raise RampartError(
                    f"{tool.name} {tool.version} and {seen[claim]} both want {claim}.",
                    next_step="leave one of them out of the list",
                )
            seen[claim] = f"{tool.name} {tool.version}"
