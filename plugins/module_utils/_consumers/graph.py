# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Who uses which Secret, how, and what brings each of them to take a new one. Pure, over a namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import RELEASES, Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import references
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import NONE, Hook, way
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.cluster import leaves
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import decode
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import Workload, ended

# Ways of use that nothing has to be restarted for: the kubelet or a controller reads the Secret each time.
READ_EACH_TIME = frozenset({"imagePullSecrets"})


@dataclass(frozen=True, slots=True)
class Consumer:
    """Something that uses a Secret."""

    kind: str
    name: str
    ways: tuple[str, ...]
    action: str
    reason: str
    # Where in the object the name of the Secret stands, as JSON pointers.
    pointers: tuple[str, ...] = ()
    hook: Hook | None = None
    workload: Workload | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def as_result(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ways": list(self.ways),
            "action": self.action,
            "reason": self.reason,
        }


Graph = Mapping[str, list[Consumer]]


def consumers(space: Namespace) -> dict[str, list[Consumer]]:
    """Return the consumers of every Secret that anything in the namespace names."""
    found: dict[str, list[Consumer]] = defaultdict(list)
    for secret, consumer in (*_workloads(space), *_accounts(space), *_ingresses(space)):
        found[secret].append(consumer)
    for name, consumer in _releases(space):
        # Any text may stand in values; what nothing of the cluster uses as the name of a Secret is none.
        if name in found:
            found[name].append(consumer)
    return {secret: sorted(users, key=str) for secret, users in sorted(found.items())}


def _workloads(space: Namespace) -> Iterator[tuple[str, Consumer]]:
    for one in space.workloads():
        if one.kind.kind == "ReplicaSet" and not (one.item.get("spec") or {}).get("replicas"):
            continue
        yield from _by_secret(one)
    # A pod that lives on from an earlier template may use what the template names no more.
    for pod in space.pods():
        kind, name = space.owners.get(pod["metadata"]["uid"], ("Pod", ""))
        if kind in ("CronJob", "Job") and not ended(pod):
            for secret, (ways, _pointers) in _used(pod.get("spec") or {}, "").items():
                reason = f"it belongs to {kind} {name} and keeps the old content to its end"
                yield secret, Consumer("Pod", pod["metadata"]["name"], ways, NONE, reason)


def _by_secret(one: Workload) -> Iterator[tuple[str, Consumer]]:
    prefix = "".join(f"/{part}" for part in one.kind.template) + "/spec"
    for secret, (ways, pointers) in _used(one.pod_spec, prefix).items():
        how = way(one, ways)
        action, reason = how.action, how.reason
        if set(ways) <= READ_EACH_TIME:
            action, reason = NONE, "the kubelet reads it each time it pulls"
        yield secret, Consumer(one.kind.kind, one.name, ways, action, reason, pointers, how.hook, one)


def _used(spec: Mapping[str, Any], prefix: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    ways: dict[str, set[str]] = defaultdict(set)
    pointers: dict[str, list[str]] = defaultdict(list)
    for reference in references(spec):
        ways[reference.secret].add(reference.way)
        pointers[reference.secret].append(prefix + reference.pointer)
    return {secret: (tuple(sorted(ways[secret])), tuple(pointers[secret])) for secret in ways}


def _accounts(space: Namespace) -> Iterator[tuple[str, Consumer]]:
    for item in space.live.get("ServiceAccount") or []:
        for field_name in ("imagePullSecrets", "secrets"):
            for number, entry in enumerate(item.get(field_name) or []):
                yield (
                    entry["name"],
                    Consumer(
                        "ServiceAccount",
                        item["metadata"]["name"],
                        (field_name,),
                        NONE,
                        "it is read each time it is needed",
                        (f"/{field_name}/{number}/name",),
                    ),
                )


def _ingresses(space: Namespace) -> Iterator[tuple[str, Consumer]]:
    for item in space.live.get("Ingress") or []:
        pointers: dict[str, list[str]] = defaultdict(list)
        for number, entry in enumerate((item.get("spec") or {}).get("tls") or []):
            if entry.get("secretName"):
                pointers[entry["secretName"]].append(f"/spec/tls/{number}/secretName")
        for secret, places in pointers.items():
            reason = "its controller watches the Secret"
            name = item["metadata"]["name"]
            yield secret, Consumer("Ingress", name, ("tls",), NONE, reason, tuple(places))


def _releases(space: Namespace) -> Iterator[tuple[str, Consumer]]:
    """Yield every value of every release, with the places where it stands."""
    for secret in space.live.get(RELEASES) or []:
        release = decode(secret)
        chart = (release.get("chart") or {}).get("values") or {}
        found: dict[str, list[str]] = defaultdict(list)
        for path, value in leaves({**chart, **(release.get("config") or {})}, "values"):
            found[value].append(path)
        for value, paths in found.items():
            reason = "the next upgrade writes this name again"
            yield value, Consumer("Release", str(release.get("name")), tuple(paths), NONE, reason)


def kept_by(space: Namespace, secret: Mapping[str, Any]) -> str:
    """Name what else writes a Secret: what is changed here it would change back."""
    metadata = secret["metadata"]
    for item in space.live.get("ExternalSecret") or []:
        target = ((item.get("spec") or {}).get("target") or {}).get("name") or item["metadata"]["name"]
        if target == metadata["name"]:
            return f"ExternalSecret {item['metadata']['name']}"
    certificate = (metadata.get("annotations") or {}).get("cert-manager.io/certificate-name")
    if certificate:
        return f"Certificate {certificate} of cert-manager"
    for owner in metadata.get("ownerReferences") or []:
        if owner.get("controller"):
            return f"{owner.get('kind')} {owner.get('name')}"
    return ""
