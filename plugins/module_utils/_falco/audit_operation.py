# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Evaluates what the API server has logged since the last run, and puts alerts into the queue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import only_writer, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._falco.audit_log import AuditLog, Bookmark
from ansible_collections.rampart.k8s.plugins.module_utils._falco.audit_rules import Alert, alert_of
from ansible_collections.rampart.k8s.plugins.module_utils._falco.compile import Compiled, compiled
from ansible_collections.rampart.k8s.plugins.module_utils._falco.fields import K8S_AUDIT
from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import ERROR
from ansible_collections.rampart.k8s.plugins.module_utils._falco.options import RULES, texts
from ansible_collections.rampart.k8s.plugins.module_utils._files.operation import make_directory

SPEC = RULES | ArgumentSpec(
    {
        "log": {"type": "path", "required": True},
        "queue": {"type": "path", "required": True},
        "most": {"type": "int", "default": 100},
    }
)
# Beside the alerts, where a reader of the queue does not look.
BOOKMARK = ".audit-bookmark"
# Where incident.yml puts what it has done.
DONE = "done"


class AuditAlerts:
    """One run over the log; alerts first and the bookmark last, so that a killed run tells nothing twice."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._queue = Path(parameters["queue"])
        self._found: dict[str, Alert] = {}
        self._started = Bookmark()
        self._log = AuditLog(Path(parameters["log"]), Bookmark())
        if parameters["most"] < 1:
            raise RampartError(
                "most is below 1, so nothing would ever be told.", next_step="set it to 1 or more"
            )

    def plan(self) -> Plan:
        """Read and evaluate; nothing is written."""
        rules = self._rules()
        self._started = self._bookmark()
        self._log.bookmark = self._started
        more = self._evaluate(rules)
        count = len(self._found)
        said = [f"{count} alerts in {self._log.lines} new lines"]
        if more:
            said.append("the rest is told by the next run")
        if self._log.lost:
            said.append("lines were rotated away before anybody read them")
        if self._log.unreadable:
            said.append(f"{self._log.unreadable} lines are no audit events")
        return Plan(
            self._log.bookmark != self._started,
            "; ".join(said),
            before={"alerts": []},
            after={"alerts": list(self._found)},
            result={
                "alerts": [self._described(each) for each in self._found.values()],
                "lines": self._log.lines,
                "unreadable": self._log.unreadable,
                "lost": self._log.lost,
                "more": more,
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Write each alert in one step, and then how far was read."""
        if not self._queue.is_dir():
            make_directory(self._queue)
        with only_writer(self._queue):
            if self._bookmark() != self._started:
                raise RampartError(
                    f"Another run has read the audit log meanwhile and told its alerts in {self._queue}.",
                    next_step="run again",
                )
            for alert in self._found.values():
                write_atomic(self._queue / alert.name, alert.text.encode())
            write_atomic(self._queue / BOOKMARK, self._log.bookmark.text.encode())
        return plan

    def _evaluate(self, rules: Compiled) -> bool:
        """Collect alerts; say whether there are more than may be told at once."""
        for event in self._log.events():
            alert = alert_of(event, rules)
            if alert and not self._told(alert):
                self._found.setdefault(alert.name, alert)
            if len(self._found) >= self._parameters["most"]:
                return True
        return False

    def _told(self, alert: Alert) -> bool:
        """Say whether a run that was killed before its bookmark has told it."""
        return (self._queue / alert.name).exists() or (self._queue / DONE / alert.name).exists()

    def _rules(self) -> Compiled:
        rules = compiled(texts(self._parameters["files"]))
        wrong = [str(each) for each in rules.findings.of(ERROR)]
        if wrong:
            raise RampartError(
                f"The rules are wrong: {'; '.join(wrong)}. Nothing was read.",
                next_step="correct them; falco_rules_check says where",
            )
        if not any(rule["source"] == K8S_AUDIT for rule in rules.rules):
            raise RampartError(
                "No rule about k8s_audit is on, so nothing would ever be noticed. Nothing was read.",
                next_step="name files with such rules",
            )
        return rules

    def _bookmark(self) -> Bookmark:
        path = self._queue / BOOKMARK
        try:
            return Bookmark.of(path.read_text(), path)
        except FileNotFoundError:
            return Bookmark()
        except OSError as error:
            raise RampartError(
                f"Could not read the bookmark {path}: {error.strerror}. Nothing was touched.",
                next_step="correct its permissions",
            ) from error

    def _described(self, alert: Alert) -> dict[str, Any]:
        fields = alert.said["output_fields"]
        return {
            "file": str(self._queue / alert.name),
            "rule": alert.said["rule"],
            "priority": alert.said["priority"],
            "time": alert.said["time"],
            "namespace": fields["k8s.ns.name"] or "",
            "pod": fields["k8s.pod.name"] or "",
        }
