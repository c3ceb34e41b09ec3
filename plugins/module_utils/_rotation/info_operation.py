# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.secrets_info does with its arguments."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import consumers
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import read
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube import options
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.store import Store, fingerprint_key
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, names, report
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.options import CLASS

SPEC = (
    ArgumentSpec({"namespaces": {"type": "list", "elements": "str", "default": []}, **CLASS})
    | options.CONNECTION
)


def build(module: AnsibleModule, redactor: Redactor) -> SecretsInfo:
    """Take over the arguments."""
    return SecretsInfo(module, redactor)


class SecretsInfo:
    """Describes every Secret of some namespaces, or of all."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._classes = classes.merge(module.params["classes"])

    def apply(self, plan: Plan) -> Plan:
        """Change nothing."""
        return plan

    def plan(self) -> Plan:
        """Read, and describe what was read."""
        try:
            client = Client(Connection.of(self._module.params), self._redactor)
            listed = self._module.params["namespaces"] or self._all(client)
            found = [one for name in listed for one in self._describe(client, name)]
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to look at yet: {error.message}")
            return self._told([], [], {"requests": 0, "retries": 0})
        secrets = [one for one in found if "id" not in one]
        rotations = [one for one in found if "id" in one]
        return self._told(secrets, rotations, client.counts)

    @staticmethod
    def _told(secrets: list[dict[str, Any]], rotations: list[dict[str, Any]], more: dict[str, int]) -> Plan:
        counted = report.counts(secrets)
        reason = f"{counted['secrets']} secrets, {counted['managed']} managed, {counted['overdue']} overdue"
        return Plan(
            False, reason, result={"secrets": secrets, "rotations": rotations, "counts": counted, **more}
        )

    @staticmethod
    def _all(client: Client) -> list[str]:
        found, _version = client.list_all("/api/v1/namespaces", target="namespaces")
        return sorted(item["metadata"]["name"] for item in found)

    def _describe(self, client: Client, namespace: str) -> list[dict[str, Any]]:
        store, now = Store(client, namespace), classes.now()
        space = read(client, namespace)
        graph = consumers(space)
        secrets, _version = client.list_all(store.collection, target=f"secrets in {namespace}")
        key = next((one for one in secrets if one["metadata"]["name"] == names.KEY_NAME), None)
        print_key = fingerprint_key(key) if key else b""
        entries = [
            report.entry(secret, space, graph, self._classes, print_key, now)
            for secret in secrets
            if report.is_counted(secret)
        ]
        return sorted(entries, key=lambda one: str(one["name"])) + [
            {
                "id": journal.id,
                "namespace": namespace,
                "reason": journal.reason,
                "started": journal.started,
                "secrets": [str(member.definition) for member in group.members],
                "direction": str(group.direction),
                "phase": str(group.phase),
                "cause": group.cause,
                "until": group.until,
            }
            for journal in store.journals()
            for group in journal.groups
        ]
