# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.incident_contain does with its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._incident.acting import Actor
from ansible_collections.rampart.k8s.plugins.module_utils._incident.case import Ask, Case
from ansible_collections.rampart.k8s.plugins.module_utils._incident.folder import Folder
from ansible_collections.rampart.k8s.plugins.module_utils._incident.observe import Observer
from ansible_collections.rampart.k8s.plugins.module_utils._incident.severity import HIGH, SEVERITIES
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._verify.ledger import Ledger

GATE = "incident_contain"
SHORTEST, LONGEST = 1, 30 * 24 * 3600

INCIDENT = {
    "id": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "pod": {"type": "str", "required": True},
    "severity": {"type": "str", "choices": list(SEVERITIES), "default": HIGH},
    "title": {"type": "str", "default": ""},
}
SPEC = (
    CONNECTION
    | EVIDENCE
    | ArgumentSpec(
        {
            "incidents": {"type": "list", "elements": "dict", "required": True, "options": INCIDENT},
            "folder": {"type": "path", "required": True},
            "image": {"type": "str", "required": True},
            "ttl": {"type": "int", "default": 4 * 3600},
            "detach": {"type": "bool", "default": True},
            "scale_to_zero": {"type": "bool", "default": False},
            "renew_account": {"type": "bool", "default": False},
            "protected": {"type": "list", "elements": "str", "default": []},
            "allow_protected": {"type": "bool", "default": False},
            "audit_log": {"type": "path"},
        }
    )
)


class IncidentContain:
    """Looks at every pod first, then acts on one after the other."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._redactor = redactor
        self._check_mode = check_mode
        self._ledger = Ledger.of(GATE, parameters, redactor, check_mode=check_mode)
        self._cases: list[Case] = []

    def asks(self) -> list[Ask]:
        """Read what is asked for; anything wrong is told before anything is touched."""
        options = self._parameters
        if not SHORTEST <= options["ttl"] <= LONGEST:
            raise RampartError(
                f"A quarantine of {options['ttl']} s is none. Nothing was touched.",
                next_step=f"give between {SHORTEST} and {LONGEST} seconds; it can be ended at any time",
            )
        protected = {*names.SYSTEM, *options["protected"]}
        seen: set[str] = set()
        for one in options["incidents"]:
            names.check_id(one["id"])
            if one["namespace"] in protected and not options["allow_protected"]:
                raise RampartError(
                    f"Pod {one['namespace']}/{one['pod']} belongs to the platform: cut off, it may "
                    "take the cluster with it. Nothing was touched.",
                    next_step="say allow_protected when that is meant",
                    namespace=one["namespace"],
                )
            if one["id"] in seen:
                raise RampartError(
                    f"The incident {one['id']} stands twice in the list. Nothing was touched.",
                    next_step="give each pod an incident of its own",
                )
            seen.add(one["id"])
        common = ("detach", "scale_to_zero", "renew_account", "ttl", "image")
        return [
            Ask(
                one["id"],
                one["namespace"],
                one["pod"],
                one["severity"],
                one["title"],
                **{name: options[name] for name in common},
            )
            for one in options["incidents"]
        ]

    def plan(self) -> Plan:
        """Look; reads only."""
        asks = self.asks()
        try:
            self._client = Client(Connection.of(self._parameters), self._redactor)
            observer = Observer(self._client, self._parameters["folder"])
        except (MissingKubeconfigError, UnreachableError):
            if not self._check_mode:
                raise
            return Plan(False, "there is no cluster yet", result={"incidents": [], "evidence": []})
        self._cases = [observer.case(ask) for ask in asks]
        if self._cases and all(case.gone and not case.seen.noted for case in self._cases):
            raise RampartError(
                f"There is no {', '.join(case.name for case in self._cases)}. Nothing was touched.",
                next_step="correct the names; of a pod that has ended, look at what was made in its place",
            )
        todo = {case.name: case.todo() for case in self._cases if case.todo()}
        said = [f"{name}: {', '.join(phases)}" for name, phases in todo.items()]
        return Plan(
            bool(todo),
            "; ".join(said) or "everything that is asked for stands",
            dict.fromkeys(todo, ""),
            {name: ", ".join(phases) for name, phases in todo.items()},
            {"incidents": [self._told(case) for case in self._cases], "evidence": []},
        )

    def apply(self, plan: Plan) -> Plan:
        """Act on each; evidence always comes first."""
        records, told = [], []
        for case in self._cases:
            if not case.todo():
                told.append(self._told(case))
                continue
            actor = Actor(
                self._client,
                self._redactor,
                case,
                self._parameters["folder"],
                self._parameters["audit_log"] or "",
            )
            try:
                actor.act()
            finally:
                self._note(case, actor)
            one = self._told(case)
            told.append(one)
            records += [self._record(case, one)]
        found = [record for record in records if record]
        return replace(plan, result={"incidents": told, "evidence": found})

    def _note(self, case: Case, actor: Actor) -> None:
        """Keep what was done, what an earlier run did included."""
        folder = Folder(self._parameters["folder"], case.ask.incident)
        before = folder.noted()
        result = {**case.result(), "phases": case.todo()}
        result["timeline"] = [*before.get("timeline", []), *actor.timeline.phases]
        result["rolled"] = actor.revoked or before.get("rolled", [])
        if before.get("undo") and len(before["undo"]) > len(result["undo"]):
            result["undo"] = before["undo"]
        result["services"] = sorted({*before.get("services", []), *result["services"]})
        folder.note(result)

    def _told(self, case: Case) -> dict[str, Any]:
        folder = Folder(self._parameters["folder"], case.ask.incident)
        noted, manifest = folder.noted(), folder.manifest() or {}
        kept: dict[str, Any] = {key: noted[key] for key in ("timeline", "rolled", "services") if key in noted}
        return {
            **case.result(),
            "timeline": [],
            "rolled": [],
            **kept,
            "folder": str(folder.path),
            "manifest": manifest.get("digest", ""),
            "files": sorted(manifest.get("files", {})),
            "missing": manifest.get("missing", {}),
        }

    def _record(self, case: Case, told: Mapping[str, Any]) -> str:
        """Leave a signed record that the manifest is bound to: nobody changes evidence unseen."""
        if not told["manifest"]:
            return ""
        open_ways = [f"NetworkPolicy {name} still lets something through" for name in told["open"]]
        return self._ledger.write(
            Subject("incident", f"{case.ask.incident} {case.ask.namespace}/{case.ask.pod}", told["manifest"]),
            "failed" if open_ways else "passed",
            counts={"files": len(told["files"]), "missing": len(told["missing"]), "open": len(open_ways)},
            found=open_ways,
            more={"severity": case.ask.severity, "phases": list(told["phases"]) or ["none"]},
        )
