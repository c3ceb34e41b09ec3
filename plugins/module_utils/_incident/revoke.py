# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes every token of a service account worthless: the account is made anew, with another UID.

A token is bound to the UID of its account, so the API server refuses all of them from the next request on,
whoever holds a copy. Those that lie in Secrets are deleted by kube-controller-manager. What else runs as
the account is rolled, since its pods hold tokens of the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import now
from ansible_collections.rampart.k8s.plugins.module_utils._incident import names
from ansible_collections.rampart.k8s.plugins.module_utils._incident.case import Case
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, responsible

MANAGER = "rampart"
ROLLED = "kubectl.kubernetes.io/restartedAt"
ROLLS = ("Deployment", "StatefulSet", "DaemonSet")


def anew(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account as it was, without what the server gave it. Pure."""
    metadata = account["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if metadata.get(key)}
    more = {
        key: account[key] for key in ("automountServiceAccountToken", "imagePullSecrets") if key in account
    }
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": kept, **more}


def revoke(client: Client, case: Case) -> list[str]:
    """Make the account anew, and roll what runs as it; return the workloads that were rolled."""
    account = case.seen.account
    if account is None:
        return []
    space, name = case.ask.namespace, str(account["metadata"]["name"])
    path, target = names.accounts_path(space, name), f"ServiceAccount {space}/{name}"
    client.delete(path, uid=account["metadata"]["uid"], target=target)
    client.apply(path, anew(account), field_manager=MANAGER, target=target)
    rolled = []
    for kind in (kind for kind in KINDS if kind.kind in ROLLS):
        live, _version = client.list_all(kind.path(space), target=f"{kind.plural} in {space}")
        for workload in responsible({kind.kind: live}):
            if (workload.pod_spec.get("serviceAccountName") or "default") == name:
                body = {"spec": {"template": {"metadata": {"annotations": {ROLLED: now()}}}}}
                client.call(
                    "PATCH",
                    kind.path(space, workload.name),
                    body=body,
                    content_type=MERGE,
                    target=f"{workload}",
                    verb="roll",
                )
                rolled.append(f"{kind.kind}/{workload.name}")
    return rolled
