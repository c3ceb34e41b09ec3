# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Verifies releases, and goes back where it is asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate
from ansible_collections.rampart.k8s.plugins.module_utils._helm import options, proofs, returning
from ansible_collections.rampart.k8s.plugins.module_utils._helm.check import ReleaseCheck
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm
from ansible_collections.rampart.k8s.plugins.module_utils._helm.writer import writer
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

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
                },
            },
        }
    )
    | options.JUDGING
    | CONNECTION
    | REPORT
    | EVIDENCE
    | PROGRESS
)


def build(module: AnsibleModule, redactor: Redactor) -> HelmVerify:
    """Take over the arguments."""
    return HelmVerify(module, redactor)


class HelmVerify:
    """All releases of one task; several are looked at at once."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._progress = Progress(module.params["_progress_file"])
        self._checks: list[ReleaseCheck] = []
        self._findings: list[Findings] = []
        self._gate = Gate.of(
            proofs.GATE,
            self._parameters,
            check_mode=module.check_mode,
            policy={"demands": dict(self._parameters["demands"])},
            tools={},
            next_step="repair what is named, deploy again, or go back with on_failure=rollback",
        )

    def plan(self) -> Plan:
        """Verify; a release that failed is gone back from only by apply."""
        try:
            self._checks = [self._check(release) for release in self._parameters["releases"]]
            self._findings = self._verify()
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to look at yet: {error.message}")
            result = {"passed": False, "violations": [], "warnings_found": [], "evidence": [], "releases": []}
            return Plan(False, "there is no cluster yet", result=result)
        shut = [found for found in self._findings if not found.passed]
        if shut and self._parameters["on_failure"] == "rollback" and not self._module.check_mode:
            return Plan(True, f"{len(shut)} releases are to be returned")
        return self._conclude([])

    def apply(self, plan: Plan) -> Plan:
        """Go back, one release after the other, and say what came of it."""
        returned: list[dict[str, Any]] = []
        for check, found in zip(self._checks, self._findings, strict=True):
            if not found.passed:
                returned.append(self._return(check, found))
        return replace(self._conclude(returned), changed=True)

    def _client(self) -> Client:
        client = Client(Connection.of(self._parameters), self._redactor)
        for line in client.warnings:
            self._module.warn(line)
        return client

    def _check(self, release: Mapping[str, Any]) -> ReleaseCheck:
        # Each has a client of its own: the deadline of a wait is one of its client.
        return ReleaseCheck(
            self._client(),
            self._redactor,
            self._progress,
            release,
            self._parameters,
            looks_only=self._module.check_mode,
        )

    def _verify(self) -> list[Findings]:
        def run(check: ReleaseCheck) -> Findings:
            found = check.run()
            self._progress.say(f"{found.title}: {'verified' if found.passed else found.violations[0]}")
            return found

        return self._checks[0].client.map(run, self._checks) if self._checks else []

    def _return(self, check: ReleaseCheck, found: Findings) -> dict[str, Any]:
        try:
            with (
                writer(check.client, found.namespace, found.name) as lease,
                Helm(self._parameters["helm"], self._redactor, check.client.credentials) as helm,
            ):
                done = returning.go_back(check, helm, lease, self._parameters)
        except RampartError as error:
            found.violations.append(error.message)
            return {"name": found.name, "namespace": found.namespace, "verified": False, "error": str(error)}
        found.violations.append(str(done))
        return {"name": found.name, "namespace": found.namespace, **done.as_result()}

    def _conclude(self, returned: list[dict[str, Any]]) -> Plan:
        outcomes = [proofs.outcome(found) for found in self._findings]
        gate = replace(self._gate, report_only=self._gate.report_only or self._module.check_mode)
        return gate.conclude(
            outcomes,
            releases=[found.as_result() for found in self._findings],
            returned=returned,
        )
