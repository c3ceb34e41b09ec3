# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gives an image of an archive of docker the manifest that it lacks: the same each time, on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from ansible_collections.rampart.k8s.plugins.module_utils._oci.decompress import GZIP, ZSTD
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import (
    CONFIG_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Descriptor,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import Members
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Layer, PackedImage

COMPRESSED = {GZIP: "+gzip", ZSTD: "+zstd"}


def with_manifest(image: PackedImage) -> PackedImage:
    """Return the image as registries know it."""
    if image.documents:
        return image
    layers = tuple(_described(image.members, layer) for layer in image.layers)
    config = Descriptor.of(image.config, CONFIG_TYPE)
    raw = _manifest(config, layers)
    return replace(image, layers=layers, documents=((Descriptor.of(raw, MANIFEST_TYPE), raw),))


def _described(members: Members, layer: Layer) -> Layer:
    pieces = members.chunks(layer.file)
    first = next(pieces, b"")
    packing = next((end for magic, end in COMPRESSED.items() if first.startswith(magic)), "")
    # Nobody but the configuration names it, by its unpacked bytes.
    digest = _digest(chain((first,), pieces)) if packing else layer.diff_id
    return replace(layer, blob=Descriptor(LAYER_TYPE + packing, digest, members.size(layer.file)))


def _digest(pieces: Iterable[bytes]) -> str:
    measured = hashlib.sha256()
    for piece in pieces:
        measured.update(piece)
    return f"sha256:{measured.hexdigest()}"


def _manifest(config: Descriptor, layers: Iterable[Layer]) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config.data(),
        "layers": [layer.blob.data() for layer in layers if layer.blob],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
