# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes the compression off a layer, piece by piece and never more than a piece at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import zstd

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1024 * 1024


class BadCompressionError(Exception):
    """The bytes are not what their beginning says."""


class Decompressor(Protocol):
    """One compression."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield what a piece unpacks to, in pieces of a bounded size."""


class Plain:
    """No compression."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield piece


class Gzip:
    """The compression of docker and of most builders."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            try:
                yield self._inflate.decompress(piece, CHUNK)
            except zlib.error as error:
                raise BadCompressionError(str(error)) from error
            piece = self._inflate.unconsumed_tail
            if self._inflate.eof:
                # A file may consist of several compressed parts.
                piece, self._inflate = self._inflate.unused_data, zlib.decompressobj(wbits=31)


class Zstd:
    """The newer compression of the image specification."""

    def __init__(self) -> None:
        self._frame = zstd.ZstdDecompressor()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            try:
                yield self._frame.decompress(piece, CHUNK)
                while not self._frame.needs_input and not self._frame.eof:
                    yield self._frame.decompress(b"", CHUNK)
            except zstd.ZstdError as error:
                raise BadCompressionError(str(error)) from error
            piece = b""
            if self._frame.eof:
                piece, self._frame = self._frame.unused_data, zstd.ZstdDecompressor()


def decompressor(start: bytes) -> Decompressor:
    """Choose by the first bytes: what a manifest says of them is only somebody's word."""
    if start.startswith(GZIP):
        return Gzip()
    return Zstd() if start.startswith(ZSTD) else Plain()
