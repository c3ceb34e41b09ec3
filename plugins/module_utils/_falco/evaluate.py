# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says whether a condition holds for an event. Pure; a field that is absent fits nothing, as in libsinsp."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import operator
import posixpath
import re
from collections.abc import Callable

from ansible_collections.rampart.k8s.plugins.module_utils._falco.audit import Value
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import (
    And,
    Check,
    Field,
    Node,
    Not,
    Or,
    Text,
    Texts,
    Transform,
)

Get = Callable[[Field], Value]


def holds(node: Node, get: Get) -> bool:
    """Decide; ``get`` returns what a field says."""
    match node:
        case And(children):
            return all(holds(child, get) for child in children)
        case Or(children):
            return any(holds(child, get) for child in children)
        case Not(child):
            return not holds(child, get)
        case Check():
            return _check(node, get)
    raise TypeError(type(node).__name__)


def _check(check: Check, get: Get) -> bool:
    left = _side(check.left, get)
    if left is None:
        return False
    if check.operator == "exists":
        return True
    right = _right(check, get)
    if isinstance(left, list):
        return _list(left, check.operator, right)
    if check.operator in ("in", "intersects"):
        return left in right
    if check.operator == "pmatch":
        return any(_below(left, each) for each in right)
    return bool(right) and _COMPARED[check.operator](left, right[0])


def _right(check: Check, get: Get) -> list[str]:
    match check.right:
        case Texts(texts):
            return list(texts)
        case Text(text):
            return [text]
        case Transform() as other:
            found = _side(other, get)
            return found if isinstance(found, list) else [] if found is None else [found]
    return []


def _list(left: list[str], operation: str, right: list[str]) -> bool:
    """Compare a field of many values; these are the operators that libsinsp has for one."""
    if operation == "in":
        return bool(left) and set(left) <= set(right)
    return operation == "intersects" and not set(left).isdisjoint(right)


def _side(side: Field | Transform, get: Get) -> Value:
    if isinstance(side, Field):
        return get(side)
    found = _side(side.of, get)
    if found is None or side.name == "val":
        return found
    if side.name == "len":
        return str(len(found))
    change = _TRANSFORMED[side.name]
    if isinstance(found, list):
        return [text for each in found if (text := change(each)) is not None]
    return change(found)


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _below(path: str, folder: str) -> bool:
    plain = folder.rstrip("/")
    return path == plain or path.startswith(f"{plain}/")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()


_TRANSFORMED: dict[str, Callable[[str], str | None]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "b64": _decoded,
    "basename": posixpath.basename,
}

_COMPARED: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "contains": lambda left, right: right in left,
    "icontains": lambda left, right: right.lower() in left.lower(),
    "bcontains": lambda left, right: _bytes(right) in left.encode(),
    "startswith": str.startswith,
    "bstartswith": lambda left, right: left.encode().startswith(_bytes(right)),
    "endswith": str.endswith,
    "glob": fnmatch.fnmatchcase,
    "iglob": lambda left, right: fnmatch.fnmatchcase(left.lower(), right.lower()),
    "regex": lambda left, right: re.fullmatch(right, left) is not None,
}
