# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings images to a registry with what was signed about them, and moves only what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Blob
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.sources import Sources
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import repository_of
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import (
    Address,
    NotUpError,
    Registry,
)
from ansible_collections.rampart.k8s.plugins.module_utils._registry.signatures import Signatures

WORKERS = 4

# What an image of one platform is described by; an index would come before them.
MANIFEST_AND_CONFIG = 2


@dataclass(frozen=True, slots=True)
class Push:
    """What the registry lacks of one image."""

    image: NodeImage
    repository: str
    tag: str
    # What the tag means there.
    found: str
    blobs: tuple[Descriptor, ...]
    bundles: tuple[bytes, ...] = ()

    @property
    def names(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def digest(self) -> str:
        return self.image.target.digest

    @property
    def reason(self) -> str:
        """Say what is lacking; empty when nothing is."""
        if not self.found:
            return "the registry has no such tag"
        if self.found != self.digest:
            return "its tag names another image"
        if self.blobs:
            return "the registry lacks a part of it"
        return "the registry lacks a signature" if self.bundles else ""


@dataclass(slots=True)
class RegistryPush:
    """All images of one task."""

    wanted: Sequence[Wanted]
    address: Address
    sources: Sources
    signatures: Signatures | None
    progress: Progress
    move_tags: bool = False
    check_mode: bool = False
    # Raises RampartError for an image that may not be pushed.
    gate: Callable[[Wanted, NodeImage], None] = lambda _wanted, _image: None
    _pushes: list[Push] = field(default_factory=list, init=False)

    def plan(self) -> Plan:
        """Read the images and ask the registry for each of their parts."""
        there = [wanted for wanted in self.wanted if wanted.exists() or not self.check_mode]
        coming = [wanted.shown for wanted in self.wanted if wanted not in there]
        with ThreadPoolExecutor(WORKERS) as pool:
            self._pushes = list(pool.map(self._compare, there))
        lacking = [push for push in self._pushes if push.reason]
        self._refuse_moved(lacking)
        for wanted, push in zip(there, self._pushes, strict=True):
            if push in lacking:
                self.gate(wanted, push.image)
        reasons = [f"{push.names}: {push.reason}" for push in lacking]
        reasons += [f"{', '.join(coming)} is not made yet"] if coming else []
        return Plan(
            changed=bool(reasons),
            reason="; ".join(reasons) or "the registry has all of them",
            before={push.names: push.found or "absent" for push in lacking},
            after={push.names: push.digest for push in lacking},
            result=self._result(lacking),
        )

    def apply(self, plan: Plan) -> Plan:
        """Push blobs first and the name last, so that a name never means what is not whole."""
        lacking = [push for push in self._pushes if push.reason]
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._push, lacking))
        return replace(plan, result=self._result(lacking))

    def _compare(self, wanted: Wanted) -> Push:
        image = wanted.for_nodes(self.sources.open(wanted))
        if len(image.documents) > MANIFEST_AND_CONFIG:
            raise RampartError(
                f"{image.name} is an image for several platforms, of which a node gets one.",
                next_step="copy the whole index with crane, or name one platform's manifest by its digest",
                image=image.name,
            )
        repository, tag = repository_of(image.name).partition("/")[2], image.name.rpartition(":")[2]
        parts = [part for part in image.blobs.values() if part.digest != image.target.digest]
        try:
            with Registry(self.address) as registry:
                found = registry.tagged(repository, tag)
                blobs = [part for part in parts if not registry.has(repository, _blob(part))]
        except NotUpError as error:
            if not self.check_mode:
                raise self._not_up() from error
            return Push(image, repository, tag, "", tuple(parts))
        push = Push(image, repository, tag, found, tuple(blobs))
        return replace(push, bundles=tuple(self._lacking_bundles(wanted, push)))

    def _lacking_bundles(self, wanted: Wanted, push: Push) -> list[bytes]:
        if self.signatures is None or not wanted.signed_as:
            return []
        known = f"{self.address.authority}/{push.repository}"
        return self.signatures.lacking(wanted.signed_as, known, push.digest, pushed=push.found == push.digest)

    def _refuse_moved(self, lacking: Sequence[Push]) -> None:
        moved = [push for push in lacking if push.found and push.found != push.digest]
        if moved and not self.move_tags:
            raise RampartError(
                f"{', '.join(push.names for push in moved)} would mean another image than before. "
                "Nothing was pushed.",
                next_step="give the new image a tag of its own, or allow tags to move with move_tags",
                moved={push.names: {"before": push.found, "after": push.digest} for push in moved},
            )

    def _push(self, push: Push) -> None:
        self.progress.say(f"pushing {push.names}")
        try:
            with Registry(self.address) as registry:
                for blob, pieces in push.image.content(part.digest for part in push.blobs):
                    registry.push_blob(push.repository, _blob(blob), pieces)
                target, raw = push.image.documents[0]
                registry.push_manifest(push.repository, push.tag, raw, target.media_type)
                stored = registry.read_manifest(push.repository, push.tag)
        except NotUpError as error:
            raise self._not_up() from error
        if stored != push.digest:
            raise RampartError(
                f"The registry gives {stored} for {push.names}, but {push.digest} was pushed.",
                next_step="look who else writes to the registry, then run again",
                image=push.names,
            )
        if self.signatures is not None:
            known = f"{self.address.authority}/{push.repository}"
            self.signatures.attach(known, push.digest, push.bundles)

    def _not_up(self) -> RampartError:
        return RampartError(
            f"Nobody listens at {self.address.url}.",
            next_step="start the registry (role rampart.k8s.registry does), or correct its address",
        )

    def _result(self, lacking: Sequence[Push]) -> dict[str, Any]:
        return {
            "images": [self._entry(push) for push in self._pushes],
            "pushed": [push.names for push in lacking],
            "bytes": sum(blob.size for push in lacking for blob in push.blobs),
        }

    def _entry(self, push: Push) -> dict[str, Any]:
        known = f"{self.address.authority}/{push.repository}"
        return {
            "name": f"{known}:{push.tag}",
            "by_digest": f"{known}@{push.digest}",
            "digest": push.digest,
            "id": push.image.packed.id,
            "signatures": len(push.bundles),
            "reason": push.reason or "it is as it should be",
        }


def _blob(part: Descriptor) -> Blob:
    return Blob(part.digest, part.size)
