# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which resource a key of etcd belongs to, in the words of an EncryptionConfiguration.

Custom resources and a few others are stored as ``<group>/<resource>/...``; the built-in ones as
``<resource>/...`` without their group. The stored names of built-in resources do not change
between releases, since existing data lies under them.
"""

from __future__ import annotations

from typing import NamedTuple

# Stored under another name than the API's.
_OTHER_NAMES = {
    "minions": "nodes",
    "controllers": "replicationcontrollers",
    "services/endpoints": "endpoints",
    "services/specs": "services",
    "ingress": "ingresses.networking.k8s.io",
}

# No REST API: the API server never encrypts these, and refuses a configuration that names them.
NO_API = ("ranges", "masterleases", "peerserverleases")

_GROUPS = {
    "admissionregistration.k8s.io": (
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations"
    ),
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "certificates.k8s.io": "certificatesigningrequests clustertrustbundles podcertificaterequests",
    "coordination.k8s.io": "leasecandidates leases",
    "discovery.k8s.io": "endpointslices",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "internal.apiserver.k8s.io": "storageversions",
    "networking.k8s.io": "ingressclasses ipaddresses networkpolicies servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles rolebindings roles",
    "resource.k8s.io": "deviceclasses devicetaintrules resourceclaims resourceclaimtemplates resourceslices",
    "scheduling.k8s.io": "priorityclasses workloads",
    "storage.k8s.io": "csidrivers csinodes csistoragecapacities storageclasses volumeattachments "
    "volumeattributesclasses",
    "storagemigration.k8s.io": "storageversionmigrations",
}
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names.split()}


class Stored(NamedTuple):
    """What a key of etcd is the place of."""

    # ``resource`` or ``resource.group``.
    resource: str
    # Empty for an object of the whole cluster.
    namespace: str
    name: str

    @classmethod
    def of(cls, key: bytes, prefix: str) -> Stored | None:
        """Read a key; None for one that is not the API server's."""
        root = prefix.rstrip("/") + "/"
        text = key.decode("utf-8", errors="replace")
        if not text.startswith(root):
            return None
        first, *rest = text.removeprefix(root).split("/")
        second = rest[0] if rest else ""
        if f"{first}/{second}" in _OTHER_NAMES:
            resource, rest = _OTHER_NAMES[f"{first}/{second}"], rest[1:]
        elif first in _OTHER_NAMES:
            resource = _OTHER_NAMES[first]
        elif "." in first:
            resource, rest = f"{second}.{first}", rest[1:]
        else:
            group = _GROUP_OF.get(first)
            resource = f"{first}.{group}" if group else first
        *namespace, name = rest or [""]
        return cls(resource, "/".join(namespace), name)


def resource_of(key: bytes, prefix: str) -> str:
    """Return ``resource`` or ``resource.group`` for a key of etcd, or an empty text for a foreign key."""
    stored = Stored.of(key, prefix)
    return stored.resource if stored else ""
