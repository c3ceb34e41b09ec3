# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Goes through the layers of an image, and proves each while it goes by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._oci.decompress import (
    BadCompressionError,
    Decompressor,
    decompressor,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import stream, verified
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import Members, refuse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Layer, open_below
from ansible_collections.rampart.k8s.plugins.module_utils._oci.tar_walk import TarWalk, TarWalkError


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an image may become when it is unpacked."""

    total: int = 32 * 1024**3
    files: int = 2_000_000
    # Compression of real files stays far below; a bomb comes close to deflate's limit of 1032.
    ratio: int = 400
    # Below this a ratio means nothing.
    ratio_from: int = 64 * 1024**2


class Meter:
    """What the layers of one image hold together."""

    def __init__(self, place: str, limits: Limits) -> None:
        self.place = place
        self.limits = limits
        self.total = 0
        self.files = 0

    def add(self, size: int) -> None:
        self.total += size
        if self.total > self.limits.total:
            raise refuse(self.place, "size", f"it unpacks to more than {self.limits.total} bytes")

    def member(self, name: str) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise refuse(self.place, "members", f"its layers hold more than {self.limits.files} files")
        if name.startswith("/") or ".." in name.split("/"):
            raise refuse(
                self.place, "place", f"a layer holds {name[:200]!r}, which lies outside of the image"
            )


class Proof:
    """Unpacks one layer while it goes by; what no layer should be raises RampartError."""

    def __init__(self, layer: Layer, meter: Meter) -> None:
        self._layer = layer
        self._meter = meter
        self._hashed, self._walk = hashlib.sha256(), TarWalk()
        self._taken, self._given = 0, 0
        self._compression: Decompressor | None = None

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what a piece of the layer unpacks to."""
        if self._compression is None:
            self._compression = decompressor(piece)
        self._taken += len(piece)
        try:
            for unpacked in self._compression.feed(piece):
                self._look_at(unpacked)
                yield unpacked
        except BadCompressionError as error:
            raise refuse(self._meter.place, "whole", "a layer cannot be unpacked") from error

    def finish(self) -> None:
        """Compare it with what the configuration says of it."""
        if f"sha256:{self._hashed.hexdigest()}" != self._layer.diff_id:
            why = f"the layer {self._layer.diff_id} is not what its digest says"
            raise refuse(self._meter.place, "digest", why)

    def _look_at(self, unpacked: bytes) -> None:
        limits = self._meter.limits
        self._given += len(unpacked)
        if self._given > limits.ratio_from and self._given > self._taken * limits.ratio:
            why = f"a layer unpacks to over {limits.ratio} times its size"
            raise refuse(self._meter.place, "ratio", why)
        self._meter.add(len(unpacked))
        self._hashed.update(unpacked)
        try:
            for header in self._walk.feed(unpacked):
                self._meter.member(header.name)
        except TarWalkError as error:
            raise refuse(self._meter.place, error.rule, f"a layer: {error.why}") from error


def packed(members: Members, layer: Layer) -> Iterator[bytes]:
    """Yield a layer as it is packed; raise at its end when it is not the one that is named."""
    if layer.blob:
        yield from stream(members, layer.blob)
    else:
        # Only the configuration names the layers of an archive of docker, by their unpacked bytes.
        yield from proved(members.chunks(layer.file), layer, Meter(members.place, Limits()))


def proved(pieces: Iterable[bytes], layer: Layer, meter: Meter) -> Iterator[bytes]:
    """Pass a layer on as it is packed, and look at all that it unpacks to."""
    proof = Proof(layer, meter)
    for piece in verified(meter.place, pieces, layer.blob) if layer.blob else pieces:
        for _unpacked in proof.feed(piece):
            pass
        yield piece
    proof.finish()


def unpacked(members: Members, layer: Layer, meter: Meter) -> Iterator[bytes]:
    """Yield a layer without its compression."""
    proof = Proof(layer, meter)
    for piece in members.chunks(layer.file):
        yield from proof.feed(piece)
    proof.finish()


def check(members: Members, descriptor: Descriptor) -> None:
    """Read every byte that a manifest or an index stands for and compare it with its name."""
    for image in open_below(members, descriptor):
        for layer in image.layers:
            for _piece in packed(members, layer):
                pass
