# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks the API server every question of the matrix, and which grants are live after their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import grants
from ansible_collections.rampart.k8s.plugins.module_utils._verify.access import Cell, matrix
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import RBAC, Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

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


class AccessVerify(ProofGate):
    """Reads only: a review is an answer, not an object."""

    name = "access_verify"
    control = "access"
    claim = "who may do what"

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return every role and binding, and what ended meanwhile without anybody touching it."""
        live = cluster.contents(dict.fromkeys((*RBAC, *ENDING.values())))
        ending = [{**item, "kind": kind} for kind, path in ENDING.items() for item in live[path]]
        return {
            "rbac": {path: live[path] for path in RBAC},
            "ended": grants.expired(ending, now=datetime.now(UTC)),
        }

    def outline(self, _client: Client) -> str:
        """Count the questions."""
        return f"{len(self._cells())} answers about who may do what"

    def prove(self, client: Client) -> list[Proof]:
        """Ask for all cells at once."""
        cells = self._cells()
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
        return proofs

    def _cells(self) -> list[Cell]:
        parameters = self.parameters
        return matrix(parameters["definitions"], parameters["namespaces"], parameters["bystanders"])
