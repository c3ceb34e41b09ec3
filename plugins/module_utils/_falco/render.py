# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Writes a condition down so that it is read again as the same tree. Pure."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import ARGUMENT, BARE, LIST_OPERATORS
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import (
    And,
    Check,
    Field,
    Macro,
    Node,
    Not,
    Or,
    Text,
    Texts,
    Transform,
)

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def render(node: Node) -> str:
    """Write a condition in one line."""
    match node:
        case And(children):
            return " and ".join(_within(child) for child in children)
        case Or(children):
            return " or ".join(_within(child) for child in children)
        case Not(child):
            return f"not {_within(child)}"
        case Macro(name):
            return name
        case Check(left, operator, None):
            return f"{side(left)} {operator}"
        case Check(left, operator, Texts(texts)):
            return f"{side(left)} {operator} ({', '.join(quoted(text) for text in texts)})"
        case Check(left, operator, Text(text)):
            # Without parentheses a list operator takes a plain name only, which is never quoted.
            return f"{side(left)} {operator} {text if operator in LIST_OPERATORS else quoted(text)}"
        case Check(left, operator, Transform() as right):
            return f"{side(left)} {operator} {side(right)}"
    raise TypeError(type(node).__name__)


def _within(node: Node) -> str:
    return f"({render(node)})" if isinstance(node, And | Or | Not) else render(node)


def side(what: Field | Transform) -> str:
    """Write one side of a comparison."""
    if isinstance(what, Transform):
        return f"{what.name}({side(what.of)})"
    if what.argument is None:
        return what.name
    plain = ARGUMENT.fullmatch(what.argument)
    return f"{what.name}[{what.argument if plain else _in_quotes(what.argument)}]"


def quoted(text: str) -> str:
    """Quote a value that could not stand bare."""
    return text if BARE.fullmatch(text) else _in_quotes(text)


def _in_quotes(text: str) -> str:
    inner = "".join(_ESCAPES.get(letter, letter) for letter in text)
    # A backslash before the quote would keep the text open, escaped or not; its number says the same.
    if inner.endswith("\\"):
        inner = inner[:-2] + "\\x5c"
    return f'"{inner}"'
