# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Goes through the headers of a tar stream piece by piece, and keeps nothing of it.

tarfile reads a header's extension into memory whole, however large it says it is, and remembers
every member. An archive of somebody else may have a million of them, or one name of a gigabyte.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = tarfile.BLOCKSIZE

# A path of Linux has at most 4096 bytes; extended headers hold a few more fields.
LARGEST_EXTENSION = 1024 * 1024

_EXTENSIONS = {b"x": "pax", b"g": "global", b"L": "name", b"K": "link", b"X": "pax"}


class TarWalkError(Exception):
    """The stream is no tar, or is one that nobody should read; ``rule`` names which."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule
        self.why = why


@dataclass(frozen=True, slots=True)
class Header:
    """One member, without its content."""

    name: str
    size: int
    type: bytes
    link: str
    # Where its content begins in the stream.
    offset: int

    @property
    def is_file(self) -> bool:
        return self.type in (b"0", b"\0", b"7")

    @property
    def content(self) -> int:
        """How many bytes follow: links and devices have none, whatever their size says."""
        return 0 if self.type in (b"1", b"2", b"3", b"4", b"5", b"6") else self.size


def _number(field: bytes, what: str) -> int:
    # Large numbers are base 256, with the highest bit set.
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    else:
        text = field.strip(b" \0")
        try:
            value = int(text or b"0", 8)
        except ValueError:
            raise TarWalkError("header", f"{what} of a member is no number") from None
    if value < 0 or value > 1 << 60:
        raise TarWalkError("header", f"{what} of a member is impossible")
    return value


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", errors="surrogateescape")


class TarWalk:
    """Takes the stream in pieces of any size and yields each header as it is complete."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._position = 0
        self._skip = 0
        self._wanted: tuple[str, int] | None = None
        self._extended: dict[str, str] = {}
        self._zeros = 0
        self.ended = False

    def feed(self, piece: bytes) -> Iterator[Header]:
        """Take a piece of the stream."""
        view = memoryview(piece)
        while view:
            if self._skip:
                step = min(self._skip, len(view))
                self._skip -= step
                self._position += step
                view = view[step:]
                continue
            need = self._need() - len(self._pending)
            self._pending += view[:need]
            self._position += min(need, len(view))
            view = view[need:]
            if len(self._pending) == self._need():
                block = bytes(self._pending)
                self._pending.clear()
                header = self._block(block)
                if header is not None:
                    yield header

    def pass_over(self) -> int:
        """Return how many bytes of content come next, for a reader that can leave them out."""
        step, self._skip = self._skip, 0
        self._position += step
        return step

    def _need(self) -> int:
        return self._wanted[1] if self._wanted else BLOCK

    def _block(self, block: bytes) -> Header | None:
        if self._wanted:
            kind, _size = self._wanted
            self._wanted = None
            self._extend(kind, block)
            return None
        if not any(block):
            # Two empty blocks end an archive; what follows is padding.
            self._zeros += 1
            self.ended = self.ended or self._zeros > 1
            return None
        if self.ended:
            raise TarWalkError("whole", "something follows its end")
        self._zeros = 0
        return self._header(block)

    def _header(self, block: bytes) -> Header | None:
        if _number(block[148:156], "the sum") != sum(block[:148]) + sum(block[156:]) + 8 * ord(" "):
            raise TarWalkError("header", "the sum of a header is wrong")
        kind, size = block[156:157], _number(block[124:136], "the size")
        if kind in _EXTENSIONS:
            if size > LARGEST_EXTENSION:
                raise TarWalkError("header", f"a header has {size} bytes of extensions")
            if size:
                self._wanted = (_EXTENSIONS[kind], size + -size % BLOCK)
            return None
        name, link = _text(block[:100]), _text(block[157:257])
        # The old GNU format has other fields where the POSIX one has a prefix.
        if block[257:263] == b"ustar\0" and block[345]:
            name = f"{_text(block[345:500])}/{name}"
        extended, self._extended = self._extended, {}
        if "size" in extended:
            size = _number(oct(int(extended["size"]))[2:].encode(), "the size")
        header = Header(
            extended.get("path", name), size, kind, extended.get("linkpath", link), self._position
        )
        self._skip = header.content + -header.content % BLOCK
        return header

    def _extend(self, kind: str, block: bytes) -> None:
        if kind == "name":
            self._extended["path"] = _text(block)
        elif kind == "link":
            self._extended["linkpath"] = _text(block)
        elif kind == "pax":
            self._extended |= _pax(block)


def _pax(block: bytes) -> dict[str, str]:
    """Read the records of an extended header: a length, a key and a value each."""
    found, rest = {}, block
    while rest and rest[:1] != b"\0":
        length, _space, _more = rest.partition(b" ")
        if not length.isdigit() or not len(length) + 3 < int(length) <= len(rest):
            raise TarWalkError("header", "an extended header is broken")
        key, _equals, value = rest[len(length) + 1 : int(length) - 1].partition(b"=")
        if key in (b"path", b"linkpath"):
            found[key.decode()] = value.decode("utf-8", errors="surrogateescape")
        elif key == b"size" and value.isdigit():
            found["size"] = value.decode()
        rest = rest[int(length) :]
    return found
