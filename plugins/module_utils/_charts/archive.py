# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Packs a chart so that the same files give the same bytes, whichever Helm has packed it and when."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Iterator

# A deflate block that is not compressed can hold this much (RFC 1951, 3.2.4).
BLOCK = 0xFFFF
# No name, no time, no system: RFC 1952, 2.3.
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def normalised(package: bytes) -> tuple[bytes, bytes]:
    """Return a chart's archive as tar and as gzip: sorted, dated zero, owned by root.

    It is not compressed: what zlib makes depends on its version, and a chart is small.
    """
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:
                files[member.name] = stream.read()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            archive.addfile(info, io.BytesIO(content))
    tar = out.getvalue()
    return tar, b"".join(_gzip(tar))


def _gzip(content: bytes) -> Iterator[bytes]:
    yield GZIP_HEADER
    pieces = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)] or [b""]
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        yield struct.pack("<BHH", last, len(piece), len(piece) ^ BLOCK) + piece
    yield struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
