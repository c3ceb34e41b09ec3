# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads a bbolt file, the format of etcd's database and of its snapshots, page by page and in order.

A file is pages of one size. Two of them, in turn, name the root; a tree of branch and leaf pages leads
from there to the buckets, and a bucket is such a tree again, or a single leaf within its own value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = 0xED0CDAED
VERSION = 2

_HEADER = struct.Struct("<QHHI")  # page, flags, number of elements, pages that follow and belong to it
# Magic, version, page size, flags, root, sequence, free list, end, transaction.
_META = struct.Struct("<IIIIQQQQQ")
_SUM = struct.Struct("<Q")
_BRANCH = struct.Struct("<IIQ")  # where the key is, its length, page
_LEAF = struct.Struct("<IIII")  # flags, where key and value are, their lengths
_BUCKET = struct.Struct("<QQ")  # root, sequence

_IS_BRANCH, _IS_LEAF, _IS_META = 1, 2, 4
_HOLDS_BUCKET = 1

# bbolt's trees grow in width; what is deeper leads in a circle.
_DEEPEST = 32


class NotBoltError(Exception):
    """The bytes are not those of a whole bbolt file."""


class _Meta(NamedTuple):
    page_size: int
    root: int
    transaction: int


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


class Bolt:
    """A file that nobody writes to meanwhile."""

    def __init__(self, content: bytes | memoryview) -> None:
        self._content = memoryview(content)
        self._meta = self._newest_meta()

    def _newest_meta(self) -> _Meta:
        first = self._meta_at(0)
        # A torn write can break one of the two; where the second one lies follows from the page size.
        sizes = [first.page_size] if first else [1 << power for power in range(9, 17)]
        found = [meta for meta in (first, *(self._meta_at(size) for size in sizes)) if meta]
        if not found:
            raise NotBoltError("it has no valid beginning")
        return max(found, key=lambda meta: meta.transaction)

    def _meta_at(self, at: int) -> _Meta | None:
        start = at + _HEADER.size
        body = bytes(self._content[start : start + _META.size])
        if len(body) < _META.size:
            return None
        magic, version, page_size, _flags, root, _sequence, _free, _end, transaction = _META.unpack(body)
        total = self._content[start + _META.size : start + _META.size + _SUM.size]
        if (magic, version) != (MAGIC, VERSION) or len(total) < _SUM.size:
            return None
        return _Meta(page_size, root, transaction) if _SUM.unpack(total)[0] == _fnv1a(body) else None

    def bucket(self, name: bytes) -> Iterator[tuple[bytes, memoryview]]:
        """Yield the pairs of a bucket of the first level in the order of their keys."""
        for key, value, holds_bucket in self._tree(self._meta.root, 0):
            if key == name and holds_bucket:
                root, _sequence = self._unpack(_BUCKET, value, 0)
                inline = value[_BUCKET.size :]
                pairs = self._tree(root, 0) if root else self._leaf(inline)
                yield from ((key, value) for key, value, _holds_bucket in pairs)
                return
        raise NotBoltError(f"it has no bucket {name.decode()}")

    def _tree(self, number: int, depth: int) -> Iterator[tuple[bytes, memoryview, bool]]:
        start = number * self._meta.page_size
        _number, flags, count, following = self._unpack(_HEADER, self._content, start)
        if _number != number or depth > _DEEPEST:
            raise NotBoltError(f"its page {number} is not where it should be")
        page = self._content[start : start + (following + 1) * self._meta.page_size]
        if flags & _IS_BRANCH:
            for index in range(count):
                _at, _length, child = self._unpack(_BRANCH, page, _HEADER.size + index * _BRANCH.size)
                yield from self._tree(child, depth + 1)
        else:
            yield from self._leaf(page)

    def _leaf(self, page: memoryview) -> Iterator[tuple[bytes, memoryview, bool]]:
        _number, flags, count, _following = self._unpack(_HEADER, page, 0)
        if not flags & _IS_LEAF:
            raise NotBoltError(f"its page {_number} is no page of a tree")
        for index in range(count):
            at = _HEADER.size + index * _LEAF.size
            kind, offset, key_length, value_length = self._unpack(_LEAF, page, at)
            start, middle = at + offset, at + offset + key_length
            if middle + value_length > len(page):
                raise NotBoltError(f"its page {_number} is cut off")
            yield (
                bytes(page[start:middle]),
                page[middle : middle + value_length],
                bool(kind & _HOLDS_BUCKET),
            )

    @staticmethod
    def _unpack(form: struct.Struct, content: memoryview, at: int) -> tuple[int, ...]:
        try:
            return form.unpack_from(content, at)
        except struct.error as error:
            raise NotBoltError("it is cut off") from error
