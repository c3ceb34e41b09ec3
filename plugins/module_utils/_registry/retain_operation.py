# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Deletes from a registry what nobody needs any more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import measure
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import (
    Address,
    NotUpError,
    Registry,
)
from ansible_collections.rampart.k8s.plugins.module_utils._registry.retention import Stored, Verdict, decide
from ansible_collections.rampart.k8s.plugins.module_utils._registry.usage import Use

WORKERS = 4


@dataclass(slots=True)
class RegistryRetain:
    """One registry."""

    address: Address
    newest: int
    # Asks each cluster what it needs.
    ask: Sequence[Callable[[], list[Use]]]
    check_mode: bool = False
    _verdicts: list[Verdict] = field(default_factory=list, init=False)

    def plan(self) -> Plan:
        """Look what is stored, then ask the clusters: what comes to both in between is not looked at."""
        try:
            stored = self._stored()
        except NotUpError as error:
            if self.check_mode:
                return Plan(False, "the registry is not up yet", result=self._result([]))
            raise RampartError(
                f"Nobody listens at {self.address.url}.",
                next_step="start the registry (role rampart.k8s.registry does), or correct its address",
            ) from error
        uses = [use for ask in self.ask for use in ask()]
        self._verdicts = decide(stored, uses, newest=self.newest)
        deleted = [verdict for verdict in self._verdicts if not verdict.kept]
        return Plan(
            changed=bool(deleted),
            reason=f"{len(deleted)} of {len(self._verdicts)} are needed by nobody"
            if deleted
            else "everything is needed, or among the newest",
            before={verdict.stored.name: verdict.stored.digest for verdict in deleted},
            after={verdict.stored.name: "absent" for verdict in deleted},
            result=self._result(self._verdicts),
        )

    def apply(self, plan: Plan) -> Plan:
        """Delete; what is about an image goes before it, so that a killed run leaves nothing behind alone."""
        deleted = [verdict.stored for verdict in self._verdicts if not verdict.kept]
        kept = {digest for verdict in self._verdicts if verdict.kept for digest in _digests(verdict.stored)}
        with Registry(self.address) as registry:
            for stored in sorted(deleted, key=lambda one: not one.subjects):
                for digest in _digests(stored):
                    if digest not in kept:
                        registry.delete_manifest(stored.repository, digest)
        return plan

    def _stored(self) -> list[Stored]:
        with Registry(self.address) as registry:
            repositories = registry.repositories()
        with ThreadPoolExecutor(WORKERS) as pool:
            return [one for found in pool.map(self._of_repository, repositories) for one in found]

    def _of_repository(self, name: str) -> list[Stored]:
        with Registry(self.address) as registry:
            tags: dict[str, list[str]] = {}
            contents: dict[str, bytes] = {}
            for tag in registry.tags(name):
                raw = registry.manifest(name, tag)
                if raw:
                    digest = measure(iter((raw,))).digest
                    tags.setdefault(digest, []).append(tag)
                    contents[digest] = raw
            return [_read(registry, name, digest, tags[digest], raw) for digest, raw in contents.items()]

    def _result(self, verdicts: Iterable[Verdict]) -> dict[str, Any]:
        entries = [
            {
                "name": verdict.stored.name,
                "tags": list(verdict.stored.tags),
                "digest": verdict.stored.digest,
                "kept": verdict.kept,
                "reason": verdict.reason,
            }
            for verdict in verdicts
        ]
        return {
            "manifests": entries,
            "deleted": [entry["name"] for entry in entries if not entry["kept"]],
        }


def _digests(stored: Stored) -> tuple[str, ...]:
    return (stored.digest, *stored.parts)


def _read(registry: Registry, name: str, digest: str, tags: Sequence[str], raw: bytes) -> Stored:
    try:
        manifest = json.loads(raw)
        parts = [Descriptor.read(entry) for entry in manifest.get("manifests") or []]
        config = Descriptor.read(manifest.get("config"))
        created = ""
        if config and config.media_type != "application/vnd.oci.empty.v1+json":
            created = str(json.loads(registry.blob(name, config.digest)).get("created") or "")
    except (ValueError, AttributeError) as error:
        raise RampartError(
            f"The manifest {digest} of {name} cannot be understood, so nothing is deleted.",
            next_step="look at it with crane manifest, and delete it by hand if nobody needs it",
        ) from error
    return Stored(name, digest, tuple(sorted(tags)), created, tuple(part.digest for part in parts if part))
