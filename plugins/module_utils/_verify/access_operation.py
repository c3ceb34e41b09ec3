# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks the API server every question of the matrix, and which grants are live after their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import grants
from ansible_collections.rampart.k8s.plugins.module_utils._policy.cluster_check import ClusterCheck
from ansible_collections.rampart.k8s.plugins.module_utils._verify import gate
from ansible_collections.rampart.k8s.plugins.module_utils._verify.access import Cell, matrix
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

CONTROL = "access"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

# Where something can stand that ends.
ENDING = {
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
}


def compare(cell: Cell, status: Mapping[str, Any]) -> Proof:
    """Hold the server's answer against the definition."""
    allowed = bool(status.get("allowed"))
    if allowed == cell.allowed:
        return Proof(str(cell), Verdict.HELD, not cell.allowed)
    said = f"is {'allowed' if allowed else 'denied'} ({status.get('reason') or 'without a reason'})"
    wanted = "must be allowed" if cell.allowed else "must be denied"
    return Proof(str(cell), Verdict.BROKEN, not cell.allowed, f"{wanted} and {said}")


class AccessVerify(ClusterCheck):
    """Reads only: a review is an answer, not an object."""

    def without_cluster(self) -> dict[str, Any]:
        """Nothing is proved without a cluster."""
        return gate.would(CONTROL, "who may do what").result

    def judge(self, client: Client) -> Plan:
        """Ask for all cells at once."""
        parameters = self.parameters
        cells = matrix(parameters["definitions"], parameters["namespaces"], parameters["bystanders"])
        answers = client.map(
            lambda cell: client.call("POST", REVIEWS, body=cell.review(), verb="ask", target=str(cell)), cells
        )
        proofs = [compare(cell, answer["status"]) for cell, answer in zip(cells, answers, strict=True)]
        if not any(cell.allowed for cell in cells):
            proofs.append(Proof("the definition", Verdict.VACUOUS, True, "it gives nobody anything"))
        live = [
            {"kind": kind, **item}
            for kind, items in zip(
                ENDING, client.map(lambda path: client.list_all(path)[0], ENDING.values()), strict=True
            )
            for item in items
        ]
        for end in grants.expired(live, now=datetime.now(UTC)):
            claim = f"{end['object']} ended at {end['expires']}"
            proofs.append(
                Proof(claim, Verdict.BROKEN, True, f"{end['reason']}; run the playbook environments")
            )
        return gate.conclude(CONTROL, proofs, report_only=self.report_only, allow_not_proven=False)
