# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a run with what each stage took and, where one failed, with what to do now."""

from __future__ import annotations

DOCUMENTATION = r"""
name: stages
type: aggregate
short_description: Show the time and the outcome of each stage at the end of a run
version_added: 0.1.0
description:
  - A stage is a play. When the run ends, one line for each says how long it took and what it did.
  - A failure is repeated after them with the next step that the module gives, so that nobody has to
    scroll back for it.
  - It shows the message of a failure only where the task is not hidden by C(no_log).
  - The same can be written as a JUnit file, a case for each stage, for whatever shows how pipelines went.
options:
  junit_file:
    description: The file for the JUnit report, whose folder is made. Without it none is written.
    type: path
    env:
      - name: RAMPART_STAGES_JUNIT
    ini:
      - section: callback_stages
        key: junit_file
author:
  - rampart.k8s contributors (@rampart-k8s)
requirements:
  - To be listed in C(callbacks_enabled) of the Ansible configuration.
"""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ansible.plugins.callback import CallbackBase

HIDDEN = "its output is hidden, since it could hold a secret"

# What XML 1.0 cannot hold; a tool's own words may.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Stage:
    """One play and what its tasks came to."""

    name: str
    started: float
    ended: float = 0.0
    done: int = 0
    changed: int = 0
    # The host and what it said, in order.
    failures: list[tuple[str, str]] = field(default_factory=list)

    def line(self, width: int) -> str:
        """Describe it in one line."""
        verdict = "FAILED" if self.failures else f"{self.changed} changed" if self.changed else "unchanged"
        return f"  {self.name:<{width}}  {self.ended - self.started:7.1f} s  {self.done:4d} tasks  {verdict}"


def describe(task: str, result: dict[str, Any]) -> str:
    """Word a failure: where it happened, why, and what to do when the module says so."""
    if result.get("_ansible_no_log") or result.get("censored"):
        return f"{task}: {HIDDEN}"
    return f"{task}: {str(result.get('msg') or 'it gave no message').strip()}"


def junit(stages: list[Stage], started: str) -> str:
    """Return the stages as a JUnit document."""
    suite = ElementTree.Element(
        "testsuite",
        name="stages",
        tests=str(len(stages)),
        failures=str(sum(1 for stage in stages if stage.failures)),
        time=f"{sum(stage.ended - stage.started for stage in stages):.3f}",
        timestamp=started,
    )
    for stage in stages:
        seconds = f"{stage.ended - stage.started:.3f}"
        case = ElementTree.SubElement(suite, "testcase", classname="stages", name=stage.name, time=seconds)
        for host, failure in stage.failures:
            said = _FORBIDDEN.sub("?", f"{host}: {failure}")
            ElementTree.SubElement(case, "failure", message=said)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Keeps one record for each play."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "rampart.k8s.stages"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._stages: list[Stage] = []
        self._began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())

    def _now(self) -> float:
        """Close the running stage and return the time."""
        now = time.monotonic()
        if self._stages and not self._stages[-1].ended:
            self._stages[-1].ended = now
        return now

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Open a stage."""
        self._stages.append(Stage(play.get_name().strip(), self._now()))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count a task that succeeded."""
        if self._stages:
            self._stages[-1].done += 1
            self._stages[-1].changed += bool(result.result.get("changed"))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep a failure for the end."""
        if self._stages and not ignore_errors:
            self._stages[-1].failures.append(
                (result.host.get_name(), describe(result.task.get_name(), result.result))
            )

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep a host that could not be reached for the end."""
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Show what the run came to."""
        self._now()
        if not self._stages:
            return
        self._drop_rescued(stats)
        width = max(len(stage.name) for stage in self._stages)
        self._display.banner("STAGES")
        for stage in self._stages:
            self._display.display(stage.line(width))
        total = self._stages[-1].ended - self._stages[0].started
        self._display.display(f"  {'all':<{width}}  {total:7.1f} s")
        for host, failure in (failure for stage in self._stages for failure in stage.failures):
            self._display.display(f"\nFAILED: {host}: {failure}", color="red")
        if report := self.get_option("junit_file"):
            Path(report).parent.mkdir(parents=True, exist_ok=True)
            Path(report).write_text(junit(self._stages, self._began), encoding="utf-8")

    def _drop_rescued(self, stats: Any) -> None:
        """Forget the failures that a block rescued: a host stops at the first that none did."""
        lost = {
            host
            for host in {*stats.failures, *stats.dark}
            if stats.failures.get(host) or stats.dark.get(host)
        }
        last = {
            failure[0]: failure for stage in self._stages for failure in stage.failures if failure[0] in lost
        }
        for stage in self._stages:
            stage.failures = [failure for failure in stage.failures if failure is last.get(failure[0])]
