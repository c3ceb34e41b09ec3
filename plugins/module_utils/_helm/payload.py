# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what Helm keeps of a release: a Secret for each revision, the same for Helm 3 and Helm 4."""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm import manifests

TYPE = "helm.sh/release.v1"
GZIP = b"\x1f\x8b"
# A Secret holds at most 1 MiB; what grows beyond this was packed to hurt.
LIMIT = 64 * 1024 * 1024

DEPLOYED, SUPERSEDED, FAILED = "deployed", "superseded", "failed"
PENDING = frozenset({"pending-install", "pending-upgrade", "pending-rollback"})
STATUSES = PENDING | {DEPLOYED, SUPERSEDED, FAILED, "uninstalled", "uninstalling", "unknown"}


def decode(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return the release in a Secret as Helm wrote it; raise RampartError when it cannot be read."""
    metadata = secret.get("metadata") or {}
    name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
    try:
        packed = base64.b64decode(base64.b64decode((secret.get("data") or {})["release"]))
        raw = packed
        if packed.startswith(GZIP):
            raw = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(LIMIT)
        release = json.loads(raw)
        if not isinstance(release, dict):
            raise TypeError("no object")
    except (KeyError, TypeError, ValueError, binascii.Error, EOFError, OSError, zlib.error) as error:
        raise RampartError(
            f"The release of Helm in the Secret {name} cannot be read ({type(error).__name__}).",
            next_step="delete the Secret if no release needs it; what cannot be looked into is not clean",
        ) from error
    return release


@dataclass(frozen=True, slots=True)
class Hook:
    """An object that Helm makes at a certain moment; it is no part of the manifest."""

    name: str
    kind: str
    events: tuple[str, ...]
    weight: int
    delete_policies: tuple[str, ...]
    manifest: str = field(repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read one entry of the payload."""
        return cls(
            str(data.get("name") or ""),
            str(data.get("kind") or ""),
            tuple(data.get("events") or ()),
            int(data.get("weight") or 0),
            # What holds for a hook that says nothing of it; Helm writes it down when it runs the hook.
            tuple(data.get("delete_policies") or (manifests.BEFORE,)),
            str(data.get("manifest") or ""),
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a release. Values and manifests may hold secrets: ``repr`` shows neither."""

    name: str
    namespace: str
    number: int
    status: str
    chart: str
    description: str
    # When Helm began with it, as Helm writes times.
    began: str
    manifest: str = field(repr=False)
    hooks: tuple[Hook, ...] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read a payload, or what Helm prints of a release as JSON; an unknown status is an error."""
        info = data.get("info") or {}
        metadata = (data.get("chart") or {}).get("metadata") or {}
        status = str(info.get("status") or "unknown")
        if status not in STATUSES:
            raise RampartError(
                f"The release {data.get('name')} has the status {status!r}, which nobody here knows.",
                next_step="use a version of Helm that this collection is tested with (3.22, 4.3)",
            )
        return cls(
            str(data["name"]),
            str(data.get("namespace") or ""),
            int(data.get("version") or 0),
            status,
            f"{metadata.get('name', '')}-{metadata.get('version', '')}",
            str(info.get("description") or ""),
            str(info.get("last_deployed") or ""),
            str(data.get("manifest") or ""),
            tuple(Hook.of(hook) for hook in data.get("hooks") or ()),
            dict(data.get("config") or {}),
        )

    @property
    def pending(self) -> bool:
        """Whether some Helm is still at it, or was ended in the middle."""
        return self.status in PENDING

    def same_content(self, other: Revision) -> bool:
        """Say whether another revision would install exactly this."""
        return (self.chart, self.manifest, self.hooks, self.values) == (
            other.chart,
            other.manifest,
            other.hooks,
            other.values,
        )
