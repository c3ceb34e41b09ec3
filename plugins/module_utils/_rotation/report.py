# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a run tells: each secret, each rotation, who uses what, and how it ended. Never a value."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Journal
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.outlook import Outlook
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import SecretClass
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import Decision

CREATED, ROTATED, UNCHANGED = "created", "rotated", "unchanged"
FINISHED, WAITING, RETURNED, MANUAL, UNFINISHED = "finished", "waiting", "returned", "manual", "unfinished"


def _entry(one: Decision) -> dict[str, Any]:
    due = one.observed.due_at
    action = (CREATED if one.observed.live is None else ROTATED) if one.is_due else UNCHANGED
    return {
        "namespace": one.definition.namespace,
        "name": one.definition.name,
        "object": one.observed.object_name if one.observed.live else "",
        "class": one.definition.secret_class,
        "strategy": one.definition.strategy,
        "owner": one.definition.owner,
        "action": action,
        "reason": one.reason,
        "due_at": classes.written(due) if due else "",
    }


@dataclass(slots=True)
class Report:
    """Collects what is told in the end."""

    secrets: list[dict[str, Any]] = field(default_factory=list)
    rotations: list[dict[str, Any]] = field(default_factory=list)
    consumers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    restarted: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    errors: list[RampartError] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    client: Client | None = None
    classes: Mapping[str, SecretClass] = field(default_factory=dict)
    changed: bool = False
    # The rotations that this run has worked at: another run may have been faster.
    worked_at: list[dict[str, Any]] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)

    @classmethod
    def of_outlooks(
        cls, outlooks: Sequence[Outlook], client: Client, known: Mapping[str, SecretClass]
    ) -> Report:
        """Begin with what was seen."""
        made = cls(client=client, classes=known, changed=any(one.changes for one in outlooks))
        for one in outlooks:
            made.secrets += [_entry(decision) for decision in one.decisions]
            made.consumers |= {
                str(each.definition): [
                    user.as_result() for user in one.view.graph.get(each.observed.object_name) or []
                ]
                for each in one.decisions
            }
            made.rotations += [_rotation(journal, group, known) for journal, group in one.waits]
        return made

    @classmethod
    def without_cluster(cls, definitions: Sequence[Definition]) -> Report:
        """Everything is still to be made."""
        made = cls(changed=True)
        made.secrets = [
            {
                "namespace": one.namespace,
                "name": one.name,
                "object": "",
                "class": one.secret_class,
                "strategy": one.strategy,
                "owner": one.owner,
                "action": CREATED,
                "reason": "there is no cluster yet",
                "due_at": "",
            }
            for one in definitions
        ]
        return made

    def plan(self) -> Plan:
        """Say what would be done."""
        due = [one for one in self.secrets if one["action"] != UNCHANGED]
        before = {f"{one['namespace']}/{one['name']}": one["object"] or "absent" for one in due}
        after = {f"{one['namespace']}/{one['name']}": one["action"] for one in due}
        told = "; ".join(f"{one['namespace']}/{one['name']}: {one['reason']}" for one in due)
        if self.changed and not due:
            told = "a rotation that was begun is to be finished"
        return Plan(
            self.changed,
            told or f"none of {len(self.secrets)} secrets is due",
            before=before,
            after=after,
            result=self._result(),
        )

    def _result(self) -> dict[str, Any]:
        return {
            "secrets": self.secrets,
            "rotations": self.rotations,
            "consumers": self.consumers,
            "restarted": sorted(self.restarted),
            "evidence": self.evidence,
            **(self.client.counts if self.client else {"requests": 0, "retries": 0}),
        }

    def note(self, journal: Journal, group: Group, *, resumed: bool) -> None:
        """Take down how a group ended."""
        entry = _rotation(journal, group, self.classes)
        self.worked_at.append(entry)
        self.rotations = [
            one
            for one in self.rotations
            if not (one["id"] == entry["id"] and one["secrets"] == entry["secrets"])
        ]
        self.rotations.append(entry)
        if group.verified:
            self._tell_members(group)
        if group.error is None:
            if entry["state"] == WAITING and group.holders:
                self.warnings.append(
                    f"The old content of {group.title} stays valid, since it is still used: "
                    f"{'; '.join(group.holders)}. A later run retires it."
                )
        elif resumed and group.returned:
            self.warnings.append(
                f"A return that an earlier run had begun was finished. {group.error.message}"
            )
        else:
            self.errors.append(group.error)

    def _tell_members(self, group: Group) -> None:
        for member in group.members:
            for entry in self.secrets:
                if (entry["namespace"], entry["name"]) == member.definition.identity:
                    entry["object"] = member.objects.get(Stage.RETIRE) or entry["object"]
                    entry["action"] = ROTATED if member.before else CREATED

    def conclude(self, plan: Plan) -> Plan:
        """End the run: with its result, or with everything that failed in it."""
        self.judge()
        result = self._result()
        if not self.worked_at:
            return Plan(False, "another run has done it meanwhile", result=result)
        return Plan(plan.changed, plan.reason, plan.before, plan.after, result)

    def judge(self) -> None:
        """Raise for everything that failed in this run, and for what is overdue, whoever caused that."""
        for entry in self.rotations:
            if entry["state"] == WAITING:
                self._judge_overlap(entry)
        if not self.errors:
            return
        result, first = self._result(), self.errors[0]
        more = (
            f" {len(self.errors) - 1} more failed: " + " ".join(error.message for error in self.errors[1:])
            if len(self.errors) > 1
            else ""
        )
        left = f" Not begun: {', '.join(self.left)}." if self.left else ""
        details = {key: value for key, value in first.details.items() if key not in result}
        raise RampartError(f"{first.message}{more}{left}", next_step=first.next_step, **details, **result)

    def _judge_overlap(self, entry: dict[str, Any]) -> None:
        """Fail when an old content is used for longer than its class allows: somebody has to look."""
        if entry["waiting_for"] and entry["overdue"]:
            self.errors.append(
                RampartError(
                    f"The old content of {', '.join(entry['secrets'])} is used long after its rotation: "
                    f"{'; '.join(entry['waiting_for'])}.",
                    next_step="end what is named, then run again; with reason=incident it is revoked at once",
                )
            )


def _rotation(journal: Journal, group: Group, known: Mapping[str, SecretClass]) -> dict[str, Any]:
    return {
        "id": journal.id,
        "namespace": journal.namespace,
        "reason": journal.reason,
        "secrets": [str(member.definition) for member in group.members],
        "state": _state(group),
        "phase": str(group.phase),
        "until": group.until,
        "waiting_for": list(group.holders),
        "overdue": _overdue(group, known),
    }


def _state(group: Group) -> str:
    if group.finished:
        return FINISHED
    if group.returned:
        return RETURNED
    if group.phase == MANUAL:
        return MANUAL
    return WAITING if group.verified and group.error is None else UNFINISHED


def _overdue(group: Group, known: Mapping[str, SecretClass]) -> bool:
    until = classes.read(group.until)
    if until is None or not group.holders:
        return False
    # A rotation that an earlier run has begun may be of a class that is declared no more.
    of = [known.get(member.definition.secret_class, _USUAL) for member in group.members]
    hours = min(one.longest_overlap_hours for one in of)
    return classes.now() > until + datetime.timedelta(hours=hours)


_USUAL = SecretClass("", 1)
