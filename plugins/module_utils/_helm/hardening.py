# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What of a hardened security context a running pod lacks: as it is specified, and as its node reports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm.manifests import containers

# The Pod Security Standards, each level with what it demands on top of the one before.
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
HOST = ("hostNetwork", "hostPID", "hostIPC")
ALLOWED_SECCOMP = ("RuntimeDefault", "Localhost")
# Baseline lets a container keep what its runtime gives it, and add nothing else.
RUNTIME_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)


def lacks(pod: Mapping[str, Any], level: str, *, read_only_root: bool) -> list[str]:
    """Return what a live pod lacks, in sentences."""
    found: list[str] = []
    if level in (BASELINE, RESTRICTED):
        found += _baseline(pod["spec"])
    if level == RESTRICTED:
        found += _restricted(pod["spec"])
        found += _reported(pod)
    if read_only_root:
        found += [
            f"container {container['name']} can write to its root file system"
            for container in containers(pod["spec"])
            if not _context(container).get("readOnlyRootFilesystem")
        ]
    return found


def _context(container: Mapping[str, Any]) -> Mapping[str, Any]:
    return container.get("securityContext") or {}


def _baseline(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"it has {key}" for key in HOST if spec.get(key))
    yield from (
        f"volume {each['name']} is of the host" for each in spec.get("volumes") or [] if each.get("hostPath")
    )
    for container in containers(spec):
        name, context = container["name"], _context(container)
        if context.get("privileged"):
            yield f"container {name} is privileged"
        added = set((context.get("capabilities") or {}).get("add") or []) - RUNTIME_CAPABILITIES
        if added:
            yield f"container {name} adds {', '.join(sorted(added))}"
        if any(port.get("hostPort") for port in container.get("ports") or []):
            yield f"container {name} has a port of the host"
        if context.get("procMount") not in (None, "Default"):
            yield f"container {name} sees an unmasked /proc"


def _restricted(spec: Mapping[str, Any]) -> Iterator[str]:
    shared = spec.get("securityContext") or {}
    for container in containers(spec):
        name, context = container["name"], _context(container)
        capabilities = context.get("capabilities") or {}
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"container {name} may gain privileges"
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"container {name} does not drop all capabilities"
        if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
            yield f"container {name} adds capabilities"
        if not context.get("runAsNonRoot", shared.get("runAsNonRoot")):
            yield f"container {name} may run as root"
        if context.get("runAsUser", shared.get("runAsUser")) == 0:
            yield f"container {name} is told to run as root"
        seccomp = context.get("seccompProfile") or shared.get("seccompProfile") or {}
        if seccomp.get("type") not in ALLOWED_SECCOMP:
            yield f"container {name} has no seccomp profile"


def _reported(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the node says that is otherwise than specified; older nodes say nothing of users."""
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        user = ((status.get("user") or {}).get("linux") or {}).get("uid")
        if user == 0:
            yield f"container {status['name']} runs as root, its node says"
