# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Delivers releases: diff, checklist, upgrade, verification, and the way back."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE, play_of
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate
from ansible_collections.rampart.k8s.plugins.module_utils._helm import changes, options, proofs
from ansible_collections.rampart.k8s.plugins.module_utils._helm.acting import Acting
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.checklist import Checklist
from ansible_collections.rampart.k8s.plugins.module_utils._helm.deciding import Deciding, Decision, refused
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm
from ansible_collections.rampart.k8s.plugins.module_utils._helm.writer import writer
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import TOOLS

CANARY = {
    "workload": {"type": "str", "required": True},
    "steps": {"type": "list", "elements": "int", "default": [10, 50]},
    "seconds": {"type": "int", "default": 30},
}

SPEC = (
    ArgumentSpec(
        {
            "releases": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "namespace": {"type": "str", "required": True},
                    "chart": {"type": "str", "required": True},
                    "values": {"type": "dict", "default": {}},
                    "secret_values": {"type": "dict", "default": {}, "no_log": True},
                    "values_files": {"type": "list", "elements": "path", "default": []},
                    "promoted_from": {"type": "str", "default": ""},
                    "promoted_max_age_hours": {"type": "int", "default": 0},
                    "canary": {"type": "dict", "options": CANARY},
                },
            },
            "package_gates": {"type": "list", "elements": "str", "default": []},
            "keyring": {"type": "path", "no_log": False},
            "public_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "force_conflicts": {"type": "bool", "default": False},
            "allow_uninstall": {"type": "bool", "default": False},
            "pending_after": {"type": "int", "default": 600},
        }
    )
    | options.JUDGING
    | TOOLS
    | CONNECTION
    | EVIDENCE
    | PROGRESS
)


def build(module: AnsibleModule, redactor: Redactor) -> HelmDeploy:
    """Take over the arguments, and teach the redactor the secrets in them."""
    secret = [
        text for release in module.params["releases"] for text in changes.texts(release["secret_values"])
    ]
    redactor.add(*secret)
    # All texts of these options count as secret now, however short: that would make every result
    # unreadable. What is long enough to be a secret is known to the redactor.
    module.no_log_values = set()
    return HelmDeploy(module, redactor)


class HelmDeploy:
    """All releases of one task, one after the other."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._progress = Progress(module.params["_progress_file"])
        self._key = secrets.token_bytes(32)
        self._decisions: list[Decision] = []
        self._checklist = Checklist(module.params, redactor)

    def plan(self) -> Plan:
        """Compare every release; without a cluster, in check mode, everything is still to be installed."""
        releases = self._parameters["releases"]
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                self._decisions = list(pool.map(self._decide, releases))
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to compare with yet: {error.message}")
            self._decisions = [Decision("upgrade", "there is no cluster yet") for _release in releases]
        self._refuse()
        return self._plan([])

    def _decide(self, release: Mapping[str, Any]) -> Decision:
        place = Path(str(release["chart"]).removeprefix("oci:").partition(":")[0])
        if self._module.check_mode and not place.exists():
            return Decision("upgrade", f"its package {release['chart']} is to be made first")
        with self._deciding(release) as deciding:
            return deciding.decide()

    def _refuse(self) -> None:
        """Stop before the first release when anything speaks against any of them."""
        for place, release in enumerate(self._parameters["releases"]):
            decision = self._decisions[place]
            against = decision.violations + ([] if self._promoted_here(place) else decision.unpromoted)
            if not against:
                continue
            error = refused(f"{release['namespace']}/{release['name']}", against)
            if not self._module.check_mode:
                raise error
            # What a gate before this one has not judged yet, it will have judged in a real run.
            self._module.warn(error.message)

    def _promoted_here(self, place: int) -> bool:
        """Say whether this task itself will have verified a release in the environment before."""
        wanted = self._parameters["releases"][place]
        return any(
            (each["name"], each["namespace"], each["chart"])
            == (wanted["name"], wanted["promoted_from"], wanted["chart"])
            and self._decisions[number].changes
            for number, each in enumerate(self._parameters["releases"][:place])
        )

    @contextlib.contextmanager
    def _deciding(self, release: Mapping[str, Any]) -> Iterator[Deciding]:
        client = Client(Connection.of(self._parameters), self._redactor)
        for line in client.warnings:
            self._module.warn(line)
        check = ReleaseCheck(
            client,
            self._redactor,
            self._progress,
            release,
            self._parameters,
        )
        with Helm(self._parameters["helm"], self._redactor, client.credentials) as helm:
            yield Deciding(check, helm, release, self._parameters, self._checklist, self._key)

    def apply(self, plan: Plan) -> Plan:
        """Deliver one release after the other, to the first that fails."""
        results: list[dict[str, Any]] = []
        for release, decision in zip(self._parameters["releases"], self._decisions, strict=True):
            if decision.changes:
                results.append(self._deliver(release, decision))
        return self._plan(results)

    def _deliver(self, release: Mapping[str, Any], planned: Decision) -> dict[str, Any]:
        with self._deciding(release) as deciding:
            client = deciding.check.client
            client.transport.extend(2 * self._parameters["timeout"])
            with writer(client, release["namespace"], release["name"]) as lease:
                # Somebody may have been faster since the plan was made.
                decision = deciding.decide_again(planned)
                deciding.require(decision)
                if not decision.changes:
                    return {"name": release["name"], "namespace": release["namespace"], "done": []}
                self._progress.say(f"{deciding.title}: {decision.reason}")
                findings, returned, done = Acting(deciding, lease).act(decision)
        evidence = self._record(findings)
        result = {**findings.as_result(), "done": done, "evidence": evidence, "warnings": findings.warnings}
        if findings.passed:
            self._progress.say(f"{findings.title}: revision {findings.revision} is verified")
            return result
        came = f" {str(returned)[0].upper()}{str(returned)[1:]}." if returned else ""
        came += "".join(f" {text[0].upper()}{text[1:]}." for text in findings.warnings)
        raise RampartError(
            f"The release {findings.title} failed: {'; '.join(findings.violations)}.{came}",
            next_step=findings.cause.get("next_step") or "correct what is named and deploy again",
            releases=[result],
            returned=returned.as_result() if returned else {},
            cause=findings.cause,
        )

    def _record(self, findings: Findings) -> list[str]:
        gate = Gate(
            proofs.GATE,
            report_only=True,
            check_mode=self._module.check_mode,
            evidence_dir=self._parameters["evidence_dir"],
            evidence_play=play_of(self._parameters),
            policy={"demands": dict(self._parameters["demands"])},
            tools={},
            next_step="",
        )
        recorded: list[str] = gate.conclude([proofs.outcome(findings)]).result["evidence"]
        return recorded

    def _plan(self, results: list[dict[str, Any]]) -> Plan:
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        entries = []
        for release, decision in zip(self._parameters["releases"], self._decisions, strict=True):
            title = f"{release['namespace']}/{release['name']}"
            before |= {f"{title}: {name}": value for name, value in decision.before.items()}
            after |= {f"{title}: {name}": value for name, value in decision.after.items()}
            entries.append({**_named(release), "action": decision.action, "reason": decision.reason})
        changed = [entry for entry in entries if entry["action"] != "keep"]
        by_name = {(each["namespace"], each["name"]): each for each in results}
        entries = [{**entry, **by_name.get((entry["namespace"], entry["name"]), {})} for entry in entries]
        return Plan(
            bool(changed),
            "; ".join(f"{entry['namespace']}/{entry['name']}: {entry['reason']}" for entry in entries)
            or "the list is empty",
            before,
            after,
            {"releases": entries},
        )


def _named(release: Mapping[str, Any]) -> dict[str, str]:
    return {"name": release["name"], "namespace": release["namespace"]}
