# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an incident leaves in a cluster, by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# Where the undo waits. The role incident makes it.
NAMESPACE = "rampart-incident"

# At the pod: the incident that it is cut off for; the policies select it.
QUARANTINE = "rampart.k8s/quarantine"
# At everything else that an incident makes.
INCIDENT = "rampart.k8s/incident"
# At the policy: what is to be undone, as JSON.
RECORD = "rampart.k8s/undo"
# The value of every label of a pod that is taken out of its Services, policies and workload.
OUTSIDE = "quarantined"

SYSTEM = ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def check_id(incident: str) -> None:
    """Refuse what cannot be part of a name in the cluster and of a folder."""
    if not _ID.fullmatch(incident):
        raise RampartError(
            f"{incident!r} cannot be the name of an incident. Nothing was touched.",
            next_step="use at most 40 lower-case letters, digits and hyphens",
        )


def policy(incident: str) -> str:
    """Return the name of the policies, of the roles, of the account and of the Job."""
    return f"rampart-incident-{incident}"


def in_quarantine(pod: Mapping[str, Any]) -> bool:
    """Say whether a pod is cut off."""
    return QUARANTINE in ((pod.get("metadata") or {}).get("labels") or {})


def labels(incident: str) -> dict[str, str]:
    """Return what everything of an incident carries."""
    return {
        INCIDENT: incident,
        "app.kubernetes.io/name": "rampart-incident",
        "app.kubernetes.io/part-of": "rampart",
    }


def policies_path(namespace: str, name: str = "") -> str:
    """Return where NetworkPolicies are."""
    return f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies" + (f"/{name}" if name else "")


def pod_path(namespace: str, name: str) -> str:
    """Return where a pod is."""
    return f"/api/v1/namespaces/{namespace}/pods/{name}"


def jobs_path(name: str = "") -> str:
    """Return where the Jobs are that undo."""
    return f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs" + (f"/{name}" if name else "")


def accounts_path(namespace: str, name: str = "") -> str:
    """Return where service accounts are."""
    return f"/api/v1/namespaces/{namespace}/serviceaccounts" + (f"/{name}" if name else "")
