# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Checks single conditions and outputs: fields, values and what Falco warns of. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.rampart.k8s.plugins.module_utils._falco import fields as known
from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import (
    NUMBER_OPERATORS,
    TEXT_OPERATORS,
)
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import (
    And,
    Check,
    Field,
    Node,
    Not,
    Or,
    Text,
    Texts,
    field_of,
    fields,
    leaves,
)

SHOWN = re.compile(r"%([a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)+)(?:\[([^\]]*)\])?")
_EQUAL = ("=", "==", "!=")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?|0[xX][0-9a-fA-F]+")
_BOUNDS = ("evt.type", "syscall.type")


def objections(node: Node, source: str) -> Iterator[str]:
    """Say what Falco would refuse in a condition."""
    for field in fields(node):
        why = known.objection(field, source)
        if why:
            yield why
    for leaf in leaves(node):
        if not isinstance(leaf, Check):
            continue
        field = field_of(leaf.left)
        if known.holds_several(field) and leaf.operator not in ("in", "intersects", "exists"):
            yield f"{field.name} holds several values, which {leaf.operator} does not compare"
        if isinstance(leaf.left, Field):
            yield from _values(field.name, leaf)


def _values(field: str, check: Check) -> Iterator[str]:
    ordered = field in known.NUMBERS
    if ordered and check.operator in set(TEXT_OPERATORS) - set(_EQUAL):
        yield f"{field} is a number, which {check.operator} does not compare"
    if field in known.BOOLEANS and check.operator not in (*_EQUAL, "in", "exists"):
        yield f"{field} is true or false, which {check.operator} does not compare"
    if check.operator in NUMBER_OPERATORS or check.operator in (*_EQUAL, "in"):
        for text in _texts(check):
            wanted = _unlike(field, text)
            if wanted:
                yield f"{field} is {wanted}, and {text!r} is none"
    if check.operator == "regex":
        for text in _texts(check):
            try:
                re.compile(text)
            except re.error as error:
                yield f"{text!r} is no regular expression ({error})"


def _texts(check: Check) -> tuple[str, ...]:
    match check.right:
        case Texts(texts):
            return texts
        case Text(text):
            return (text,)
    return ()


def _unlike(field: str, text: str) -> str:
    """Say what a value should be and is not."""
    if field in known.NUMBERS and not _NUMBER.fullmatch(text):
        return "a number"
    if field in known.BOOLEANS and text not in ("true", "false"):
        return "true or false"
    if field in known.ADDRESSES | known.NETWORKS:
        try:
            if field in known.NETWORKS:
                ipaddress.ip_network(text, strict=False)
            else:
                ipaddress.ip_address(text)
        except ValueError:
            return "an address of the internet" if field in known.ADDRESSES else "a network"
    return ""


def shown(output: str) -> list[Field]:
    """Return the fields of an output."""
    return [Field(*found.groups()) for found in SHOWN.finditer(output)]


def output_objections(output: str, source: str) -> Iterator[str]:
    """Say what Falco would refuse in an output."""
    for field in shown(output):
        if field.name == "container.info":
            continue
        why = known.objection(field, source)
        if why:
            yield why
        elif field.name in known.NOT_SHOWN:
            yield f"the field {field.name} is for conditions only"


def warnings(node: Node, output: str, source: str, *, evttypes: bool) -> Iterator[str]:
    """Say what Falco would warn of."""
    shows = shown(output)
    for name in sorted({field.name for field in [*fields(node), *shows]} & known.DEPRECATED):
        yield f"the field {name} is deprecated"
    if any(field.name == "container.info" for field in shows):
        yield "%container.info is deprecated"
    if source == known.SYSCALL and evttypes and not _bounded(node):
        yield "it looks at events of every type, which is slow"


def _bounded(node: Node) -> bool:
    """Say whether a condition holds for events of some types only."""
    match node:
        case And(children):
            return any(_bounded(child) for child in children)
        case Or(children):
            return all(_bounded(child) for child in children)
        case Check(Field(name), operator):
            return name in _BOUNDS and operator in ("=", "==", "in")
        case Not() | _:
            return False
