# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads files of rules into items with their places. Pure.

Scalars stay as they are written: a plain ``=`` or ``no`` is a text, and not what YAML 1.1 makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import Findings, Place

KINDS = ("rule", "macro", "list", "required_engine_version", "required_plugin_versions")
KEYS = {
    "rule": frozenset(
        {
            *("rule", "condition", "output", "desc", "priority", "source", "enabled", "tags", "exceptions"),
            *("override", "append", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration"),
        }
    ),
    "macro": frozenset({"macro", "condition", "override", "append"}),
    "list": frozenset({"list", "items", "override", "append"}),
}
_NULL = "tag:yaml.org,2002:null"
_MAP = "a mapping with unique keys"


@dataclass(frozen=True, slots=True)
class Item:
    """One rule, macro or list of a file, as it stands there."""

    kind: str
    name: str
    place: Place
    body: dict[str, Any]


class _ShapeError(Exception):
    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.why = why


def read(file: str, text: str, findings: Findings) -> list[Item]:
    """Read one file; what is no item is noted and left out."""
    nowhere = Place(file, 1, "the file")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 1
        findings.error(Place(file, line, "the file"), f"it is no YAML: {why}", "correct the YAML of the file")
        return []
    if root is None:
        findings.warn(nowhere, "it holds nothing", "remove the file, or write rules into it")
        return []
    if not isinstance(root, yaml.SequenceNode):
        findings.error(nowhere, "it is no list of items", "begin each rule, macro and list with a dash")
        return []
    items = []
    for node in root.value:
        place = Place(file, node.start_mark.line + 1, "an item")
        try:
            body = _plain(node)
        except _ShapeError as error:
            findings.error(Place(file, error.line, "an item"), error.why, f"write {_MAP}")
            continue
        item = _item(body, place, findings)
        if item:
            items.append(item)
    return items


def _plain(node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag == _NULL else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each) for each in node.value]
    body: dict[str, Any] = {}
    for key, value in node.value:
        name = _plain(key)
        line = key.start_mark.line + 1
        if not isinstance(name, str):
            raise _ShapeError(line, "a key is no text")
        if name in body:
            raise _ShapeError(line, f"the key {name} stands there twice")
        body[name] = _plain(value)
    return body


def _item(body: Any, place: Place, findings: Findings) -> Item | None:
    if not isinstance(body, dict):
        findings.error(place, "it is no mapping", f"begin it with one of {', '.join(KINDS)}")
        return None
    kind = next((each for each in KINDS if each in body), None)
    if kind is None:
        known = ", ".join(body) or "nothing"
        findings.warn(
            place, f"Falco ignores it: it is none of {', '.join(KINDS)} ({known})", "correct or remove it"
        )
        return None
    if kind not in KEYS:
        return None
    name = body[kind]
    if not isinstance(name, str) or not name:
        findings.error(place, f"the {kind} has no name", f"give the {kind} a name")
        return None
    found = Place(place.file, place.line, f"{kind} {name}")
    for key in body:
        if key not in KEYS[kind]:
            findings.warn(
                found, f"Falco ignores the key {key}, which it does not know", "correct or remove it"
            )
    return Item(kind, name, found, body)
