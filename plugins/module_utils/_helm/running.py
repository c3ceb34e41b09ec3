# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The pods of a release as they run: which images, and in which security context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._helm import hardening
from ansible_collections.rampart.k8s.plugins.module_utils._helm.manifests import template
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import METADATA_LIST, Client
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, parse

# What owns pods without being a part of the manifest itself.
BETWEEN = ("/apis/apps/v1/namespaces/{}/replicasets", "/apis/batch/v1/namespaces/{}/jobs")
IN_REFERENCE = re.compile(rf"@({DIGEST.pattern})$")


def pods(client: Client, namespace: str, members: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pods that the objects of a release have made, in one namespace, and that still run."""
    owners = {item["metadata"]["uid"] for item in members if template(item) is not None}
    if not owners:
        return []
    for path in BETWEEN:
        listed, _unused = client.list_all(path.format(namespace), accept=METADATA_LIST)
        owners |= {item["metadata"]["uid"] for item in listed if _owners(item) & owners}
    found, _unused = client.list_all(
        f"/api/v1/namespaces/{namespace}/pods", target=f"the pods of {namespace}"
    )
    return [
        pod
        for pod in found
        if (_owners(pod) | {pod["metadata"]["uid"]}) & owners
        and not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def starting(found: Iterable[Mapping[str, Any]]) -> bool:
    """Say whether one of the pods has still to start, so that nobody knows yet what it runs."""
    return any((pod.get("status") or {}).get("phase") in (None, "Pending") for pod in found)


def _owners(item: Mapping[str, Any]) -> set[str]:
    return {owner["uid"] for owner in item["metadata"].get("ownerReferences") or []}


@dataclass(frozen=True, slots=True)
class RunningImage:
    """One image that a container runs: as it was asked for, and what the node says it is."""

    reference: str
    digest: str
    pods: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The digest in the reference; empty where it names a tag only."""
        match = IN_REFERENCE.search(self.reference)
        return match[1] if match else ""

    def as_result(self) -> dict[str, Any]:
        return {"image": self.reference, "digest": self.digest, "pods": list(self.pods)}


def images(found: Iterable[Mapping[str, Any]]) -> list[RunningImage]:
    """Return what pods run, each image once."""
    seen: dict[tuple[str, str], list[str]] = {}
    for pod in found:
        status = pod.get("status") or {}
        asked = {
            container["name"]: container["image"]
            for section in ("initContainers", "containers")
            for container in pod["spec"].get(section) or []
        }
        for section in ("initContainerStatuses", "containerStatuses"):
            for container in status.get(section) or []:
                match = DIGEST.search(str(container.get("imageID") or ""))
                reference = asked.get(container["name"], str(container.get("image")))
                seen.setdefault((reference, match[0] if match else ""), []).append(pod["metadata"]["name"])
    return [
        RunningImage(reference, digest, tuple(dict.fromkeys(names)))
        for (reference, digest), names in sorted(seen.items())
    ]


class Known:
    """Which digests mean the same image: a registry's name of it, and that of its configuration."""

    def __init__(self, sources: Iterable[str]) -> None:
        self._same: dict[str, frozenset[str]] = {}
        for source in sources:
            reference = parse(source)
            if reference.place is not Place.LAYOUT:
                continue
            layout = Layout(reference.path)
            descriptor = layout.resolve(reference)
            config = layout.document(descriptor).get("config") or {}
            group = frozenset(filter(None, (descriptor.digest, str(config.get("digest") or ""))))
            for digest in group:
                self._same[digest] = self._same.get(digest, frozenset()) | group

    def same(self, digest: str) -> frozenset[str]:
        """Return a digest with all others that mean the same image."""
        return self._same.get(digest, frozenset({digest}))


def judge_images(
    found: Sequence[RunningImage],
    known: Known,
    gates: Sequence[str],
    store: EvidenceStore | None,
    max_age: timedelta | None,
) -> list[str]:
    """Return which images are not those that were asked for, or that the demanded gates have not passed."""
    violations = []
    for image in found:
        if not image.digest:
            violations.append(f"the node does not say which image {image.reference} is")
            continue
        if image.wanted and image.digest not in known.same(image.wanted):
            violations.append(f"{', '.join(image.pods)} runs {image.digest} in place of {image.reference}")
        for gate in gates:
            verdict = newest(store, gate, known.same(image.digest), max_age)
            if verdict != "passed":
                violations.append(f"the verdict of {gate} on {image.reference} ({image.digest}) is {verdict}")
    return violations


def unproved_images(
    references: Iterable[str],
    known: Known,
    gates: Sequence[str],
    store: EvidenceStore,
    max_age: timedelta | None,
) -> list[str]:
    """Return which images of a manifest the demanded gates have not passed."""
    found = []
    for reference in references if gates else ():
        match = IN_REFERENCE.search(reference)
        if match is None:
            found.append(f"the image {reference} is not named by its digest, so no verdict can be about it")
            continue
        for gate in gates:
            verdict = newest(store, gate, known.same(match[1]), max_age)
            if verdict != "passed":
                found.append(f"the verdict of {gate} on {reference} is {verdict}")
    return found


def newest(store: EvidenceStore | None, gate: str, digests: Iterable[str], max_age: timedelta | None) -> str:
    """Return the newest verdict of a gate on any of the digests of one thing."""
    stored = [store.latest(gate, digest, max_age=max_age) for digest in digests] if store else []
    records = [each.record for each in stored if each is not None]
    found = max(records, key=lambda record: record.time, default=None)
    return str(found.verdict) if found else "missing or too old"


def judge_contexts(found: Iterable[Mapping[str, Any]], level: str, *, read_only_root: bool) -> list[str]:
    """Return what running pods lack of a hardened security context."""
    return [
        f"Pod {pod['metadata']['name']}: {lack}"
        for pod in found
        for lack in hardening.lacks(pod, level, read_only_root=read_only_root)
    ]
