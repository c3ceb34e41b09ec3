# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The words in which images are described (OCI image specification 1.1)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
INDEX_TYPES = frozenset({INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"})
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"

# An annotation of an index: the tag, or the whole name, of what it lists.
NAMED = "org.opencontainers.image.ref.name"
# The same in containerd's words: always the whole name.
NAMED_IN_FULL = "io.containerd.image.name"
# One sum of all that decided about an image when it was made here.
KEY = "rampart.k8s/key"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One blob as somebody else describes it."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: Any) -> Descriptor | None:
        """Read a description; None when it says neither digest nor size."""
        match data:
            case {"digest": str() as digest, "size": int() as size} if DIGEST.fullmatch(digest) and size >= 0:
                return cls(
                    str(data.get("mediaType") or ""),
                    digest,
                    size,
                    _texts(data.get("annotations")),
                    _texts(data.get("platform")),
                )
        return None

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Descriptor:
        """Describe a blob."""
        return cls(media_type, digest_of(content), len(content))

    @property
    def file(self) -> str:
        """Where a layout keeps it."""
        return f"blobs/sha256/{self.digest.partition(':')[2]}"

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called: by its tag or by its whole name."""
        found = (self.annotations.get(NAMED_IN_FULL), self.annotations.get(NAMED))
        return tuple(dict.fromkeys(name for name in found if name))

    @property
    def platform_name(self) -> str:
        """Write the platform as people do; empty when it is not said."""
        parts = (self.platform.get(key) for key in ("os", "architecture", "variant"))
        return "/".join(part for part in parts if part)

    def data(self) -> dict[str, Any]:
        """Write it down again."""
        more = {"annotations": dict(self.annotations), "platform": dict(self.platform)}
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
            **{key: value for key, value in more.items() if value},
        }


def _texts(data: Any) -> dict[str, str]:
    if not isinstance(data, Mapping):
        return {}
    return {str(key): value for key, value in data.items() if isinstance(value, str)}
