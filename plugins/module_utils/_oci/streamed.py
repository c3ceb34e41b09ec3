# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The files of an image that somebody streams as an archive: read anew each time, and kept nowhere.

A first reading lists the files and keeps the documents, which are small. Each later one passes the
layers on that are asked for, in the order in which they come.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import LARGEST_DOCUMENT, listed, refuse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.tar_walk import (
    BLOCK,
    Header,
    TarWalk,
    TarWalkError,
)

# All documents of an image together; layers that are this small are kept as well.
MOST_KEPT = 4 * LARGEST_DOCUMENT

Stream = Callable[[], Generator[bytes, None, None]]


@dataclass(slots=True)
class _Reader:
    """Goes through one stream once, member by member."""

    pieces: Iterator[bytes]
    _held: bytes = b""
    _position: int = 0

    def members(self) -> Iterator[tuple[Header, Iterator[bytes]]]:
        """Yield each member with its content; what is not read of it is passed over."""
        walk = TarWalk()
        while not walk.ended and (block := self._take(BLOCK)):
            for header in walk.feed(block):
                padded = walk.pass_over()
                content = self._content(header.content)
                yield header, content
                for _rest in content:
                    pass
                self._take(padded - header.content)

    def _take(self, size: int) -> bytes:
        taken = b"".join(self._content(size, whole=False))
        if 0 < len(taken) < size:
            raise TarWalkError("whole", "it is cut off")
        return taken

    def _content(self, size: int, *, whole: bool = True) -> Iterator[bytes]:
        while size:
            if self._position == len(self._held):
                self._held, self._position = next(self.pieces, b""), 0
            # A piece holds many small members; what is left of it is not copied for each.
            taken = self._held[self._position : self._position + size]
            if not taken:
                if whole:
                    raise TarWalkError("whole", "it is cut off")
                return
            self._position += len(taken)
            size -= len(taken)
            yield taken


class StreamedMembers:
    """An archive that comes again each time it is asked for."""

    def __init__(self, place: str, begin: Stream, identity: str) -> None:
        self._place = place
        self._begin = begin
        self._identity = identity
        self._documents: dict[str, bytes] = {}
        try:
            with closing(begin()) as stream:
                self._files = listed(self._kept(_Reader(stream)))
                # Whoever streams says at the end whether all of it came.
                for _rest in stream:
                    pass
        except TarWalkError as error:
            raise refuse(place, error.rule, error.why) from error

    @property
    def place(self) -> str:
        return self._place

    def identity(self) -> str:
        return self._identity

    def has(self, name: str) -> bool:
        return name in self._files

    def size(self, name: str) -> int:
        return self._files[name].size

    def chunks(self, name: str) -> Iterator[bytes]:
        for _name, pieces in self.passing([name]):
            yield from pieces

    def passing(self, names: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        wanted = {self._files[name].name: name for name in names}
        for member in [member for member in wanted if member in self._documents]:
            yield wanted.pop(member), iter((self._documents[member],))
        if not wanted:
            return
        with closing(self._begin()) as stream:
            for header, content in _Reader(stream).members():
                if header.name in wanted:
                    yield wanted.pop(header.name), content
                if not wanted:
                    return
        raise refuse(self._place, "missing", f"it does not hold {', '.join(wanted.values())} any more")

    def _kept(self, reader: _Reader) -> Iterator[Header]:
        room = MOST_KEPT
        for header, content in reader.members():
            small = header.is_file and header.size <= min(room, LARGEST_DOCUMENT)
            if small and not header.name.endswith("layer.tar"):
                self._documents[header.name] = b"".join(content)
                room -= header.size
            yield header
