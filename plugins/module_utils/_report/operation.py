# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.cluster_summary_info does with its arguments."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import METADATA_LIST, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._report import summary

PATHS = ("/api/v1/nodes", "/api/v1/namespaces", "/api/v1/pods", "/api/v1/services")

NOTHING: dict[str, Any] = {
    "reached": False,
    "server": "",
    "version": "",
    "uid": "",
    "nodes": [],
    "environments": [],
    "releases": [],
    "unready_pods": [],
}


class ClusterSummary:
    """Reads a cluster once, over one connection."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor

    def plan(self) -> Plan:
        """Read and condense; before its first start there is no cluster to read."""
        try:
            client = Client(Connection.of(self._module.params), self._redactor)
            version = client.get("/version", target="the version of the API server")
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            return Plan(changed=False, reason=f"There is no cluster yet: {error.message}", result=NOTHING)
        nodes, namespaces, pods, services = client.map(lambda path: client.list_all(path)[0], PATHS)
        result: dict[str, Any] = {
            "reached": True,
            "server": client.credentials.server,
            "version": str(version.get("gitVersion", "")),
            "uid": client.cluster_uid(),
            "nodes": summary.nodes(nodes),
            "environments": summary.environments(namespaces, pods),
            "releases": summary.releases(self._revisions(client), services),
            "unready_pods": summary.unready_pods(pods),
        }
        found = f"nodes: {len(result['nodes'])}, environments: {len(result['environments'])}"
        return Plan(changed=False, reason=f"The cluster answers; {found}.", result=result)

    def _revisions(self, client: Client) -> list[dict[str, Any]]:
        """Read names and labels of the Secrets in which Helm keeps releases, where that is allowed."""
        try:
            return client.list_all(
                "/api/v1/secrets",
                query={"labelSelector": "owner=helm"},
                target="the revisions of all releases",
                accept=METADATA_LIST,
            )[0]
        except ApiError as error:
            if error.code != 403:
                raise
            self._module.warn("Releases are not shown: this user may not list Secrets of all namespaces.")
            return []

    def apply(self, plan: Plan) -> Plan:
        """Return the plan as it is: reading changes nothing."""
        return plan
