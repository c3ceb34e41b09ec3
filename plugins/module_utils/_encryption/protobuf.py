# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads the fields of a protobuf message whose form is known; two of its wire types are all it needs."""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _BYTES = 0, 2


class NotProtobufError(Exception):
    """The bytes are no such message."""


def fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and the value of each field, in their order; nothing is copied."""
    view = memoryview(message)
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        number, kind = tag >> 3, tag & 7
        value, at = _varint(view, at)
        if kind == _VARINT:
            yield number, value
        elif kind == _BYTES and at + value <= len(view):
            yield number, view[at : at + value]
            at += value
        else:
            raise NotProtobufError


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = shift = 0
    while at < len(view):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
    raise NotProtobufError
