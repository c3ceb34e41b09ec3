# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The parts of an image in a registry, each fetched when it is read and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import (
    DIGEST,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import (
    MANIFEST_LIMIT,
    OCI_INDEX,
    OCI_MARKER,
    parse,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import refuse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Reference

MARKER = b'{"imageLayoutVersion":"1.0.0"}'


class RegistryMembers:
    """One image of a registry as if it were the only one of a layout."""

    def __init__(self, reference: Reference, crane: Cli) -> None:
        self._reference = reference
        self._crane = crane
        digest = reference.digest or self._crane.run("digest", str(reference)).stdout.strip()
        if not DIGEST.fullmatch(digest):
            raise RampartError(
                f"The registry says that {reference} is {digest or 'nothing'}.",
                next_step="look into the registry; it does not give what it is asked for",
                image=str(reference),
            )
        # Registries keep manifests apart from all other blobs.
        self._manifests: dict[str, bytes] = {}
        raw = self._manifest(digest)
        content = parse(raw, self.place, "a manifest")
        guess = INDEX_TYPE if "manifests" in content else MANIFEST_TYPE
        found = Descriptor.of(raw, str(content.get("mediaType") or guess))
        if found.digest != digest:
            raise refuse(self.place, "digest", f"{digest} is not what its name says")
        self._files = {OCI_MARKER: MARKER, OCI_INDEX: json.dumps({"manifests": [found.data()]}).encode()}

    @property
    def place(self) -> str:
        return str(self._reference)

    def identity(self) -> str:
        return str(next(iter(self._manifests)))

    def has(self, name: str) -> bool:
        return name in self._files or name.startswith("blobs/sha256/")

    def size(self, name: str) -> int:
        return sum(map(len, self.chunks(name)))

    def chunks(self, name: str) -> Iterator[bytes]:
        if name in self._files:
            yield self._files[name]
            return
        digest = f"sha256:{name.rpartition('/')[2]}"
        if digest in self._manifests:
            yield self._manifests[digest] or self._manifest(digest)
            return
        yield from self._crane.stream("blob", f"{self._reference.location}@{digest}")

    def passing(self, names: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        for name in names:
            yield name, self.chunks(name)

    def _manifest(self, digest: str) -> bytes:
        raw = bytearray()
        for piece in self._crane.stream("manifest", f"{self._reference.location}@{digest}"):
            raw += piece
            if len(raw) > MANIFEST_LIMIT:
                raise refuse(self.place, "size", f"a manifest has more than {MANIFEST_LIMIT} bytes")
        content = bytes(raw)
        self._manifests[digest] = content
        # An index leads to manifests; whether each is right is found out when it is read.
        parsed = parse(content, self.place, "a manifest")
        for entry in (parsed.get("manifests") if isinstance(parsed, dict) else None) or []:
            if described := Descriptor.read(entry):
                self._manifests.setdefault(described.digest, b"")
        return content
