# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""An image as a node keeps it: its blobs, and the names that lead to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, replace

from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import (
    CONFIG_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.docker_archive import with_manifest
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import Limits, Meter, proved
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Documents, Layer, PackedImage
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import in_full, repository_of


@dataclass(frozen=True, slots=True)
class NodeImage:
    """One image under one name."""

    name: str
    packed: PackedImage
    # From what the name means down to the configuration, with their bytes.
    documents: Documents

    @classmethod
    def of(cls, packed: PackedImage, name: str) -> NodeImage:
        """Make an image ready for nodes; one of an archive of docker gets a manifest."""
        whole = with_manifest(packed)
        config = Descriptor.of(whole.config, CONFIG_TYPE)
        documents = (
            *((_typed(*document), document[1]) for document in whole.documents),
            (config, whole.config),
        )
        return cls(in_full(name), whole, documents)

    @property
    def target(self) -> Descriptor:
        """What the name means."""
        return self.documents[0][0]

    @property
    def names(self) -> tuple[str, ...]:
        """The name that was asked for, and the one by which a pod asks for exactly this image."""
        return tuple(dict.fromkeys((self.name, f"{repository_of(self.name)}@{self.target.digest}")))

    @property
    def digests(self) -> frozenset[str]:
        """Every digest that stands for the image: of an index, of its manifest, of its configuration."""
        return frozenset(descriptor.digest for descriptor, _content in self.documents)

    @property
    def blobs(self) -> dict[str, Descriptor]:
        """Everything that the image consists of."""
        parts = [descriptor for descriptor, _content in self.documents]
        parts += [layer.blob for layer in self.packed.layers if layer.blob]
        return {part.digest: part for part in parts}

    @property
    def size(self) -> int:
        return sum(blob.size for blob in self.blobs.values())

    def content(self, digests: Iterable[str]) -> Iterator[tuple[Descriptor, Iterator[bytes]]]:
        """Yield blobs as they go by, each with its bytes; one that is not what it should be raises."""
        wanted = set(digests)
        for _layer, blob, pieces in self.layers(wanted, lambda _layer, blob: blob.digest):
            yield blob, pieces
        for descriptor, raw in self.documents:
            if descriptor.digest in wanted:
                yield descriptor, iter((raw,))

    def layers(
        self, wanted: Container[str], key: Callable[[Layer, Descriptor], str]
    ) -> Iterator[tuple[Layer, Descriptor, Iterator[bytes]]]:
        """Yield the layers whose key is wanted, each with its bytes as they are packed."""
        members = self.packed.members
        meter = Meter(members.place, Limits())
        layers = {
            layer.file: (layer, layer.blob)
            for layer in self.packed.layers
            if layer.blob and key(layer, layer.blob) in wanted
        }
        for file, pieces in members.passing(layers):
            layer, blob = layers[file]
            yield layer, blob, proved(pieces, layer, meter)


def _typed(descriptor: Descriptor, content: bytes) -> Descriptor:
    """Say the kind of a document, which containerd goes by; some indexes leave it out."""
    document = json.loads(content)
    guess = INDEX_TYPE if "manifests" in document else MANIFEST_TYPE
    return replace(descriptor, media_type=document.get("mediaType") or descriptor.media_type or guess)
