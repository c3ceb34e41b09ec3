# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a condition says, as a tree. Pure; two conditions that say the same in the same order are equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event; ``argument`` is what stands in brackets behind it."""

    name: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """A field changed before it is compared; ``val`` on the right side is the field as it is."""

    name: str
    of: Field | Transform


@dataclass(frozen=True, slots=True)
class Text:
    """One value."""

    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """Values in parentheses."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A field compared with values; ``exists`` compares with nothing."""

    left: Field | Transform
    operator: str
    right: Text | Texts | Transform | None


@dataclass(frozen=True, slots=True)
class Macro:
    """The name of a condition that stands elsewhere."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    child: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    children: tuple[Node, ...]


Node: TypeAlias = "Check | Macro | Not | And | Or"


def leaves(node: Node) -> Iterator[Check | Macro]:
    """Walk over what is not made of others."""
    if isinstance(node, And | Or):
        for child in node.children:
            yield from leaves(child)
    elif isinstance(node, Not):
        yield from leaves(node.child)
    else:
        yield node


def field_of(side: Field | Transform) -> Field:
    """Return the field inside all transformers."""
    while isinstance(side, Transform):
        side = side.of
    return side


def fields(node: Node) -> Iterator[Field]:
    """Walk over the fields, those on the right sides too."""
    for leaf in leaves(node):
        if isinstance(leaf, Check):
            yield field_of(leaf.left)
            if isinstance(leaf.right, Transform):
                yield field_of(leaf.right)
