# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Puts the items of all files together, in their order: definitions, appended and replaced parts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._falco.fields import SOURCES, SYSCALL
from ansible_collections.rampart.k8s.plugins.module_utils._falco.findings import Findings, Place
from ansible_collections.rampart.k8s.plugins.module_utils._falco.items import Item

APPENDED = {
    "rule": ("condition", "output", "desc", "tags", "exceptions"),
    "macro": ("condition",),
    "list": ("items",),
}
REPLACED = {
    "rule": (
        *APPENDED["rule"],
        *("priority", "enabled", "capture", "capture_duration", "warn_evttypes", "skip-if-unknown-filter"),
    ),
    "macro": ("condition",),
    "list": ("items",),
}
REQUIRED = {"rule": ("condition", "output", "desc", "priority"), "macro": ("condition",), "list": ("items",)}
# As Falco writes them, by what may be written instead.
PRIORITIES = {
    **{
        name.lower(): name
        for name in ("Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Debug")
    },
    "informational": "Informational",
    "info": "Informational",
}
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_NAMES = {"macro": re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*"), "list": re.compile(r"[^()\"'\s=,]+")}
_TEXTS = frozenset({"condition", "output", "desc", "priority", "source"})
_FLAGS = frozenset({"enabled", "capture", "append", "warn_evttypes", "skip-if-unknown-filter"})


@dataclass(slots=True)
class Definition:
    """A rule, macro or list as all files make it; ``first`` and ``last`` number the items that did."""

    kind: str
    name: str
    place: Place
    first: int
    last: int
    values: dict[str, Any]

    @property
    def enabled(self) -> bool:
        """Say whether it counts."""
        return str(self.values.get("enabled", "true")).lower() in _TRUE

    @property
    def source(self) -> str:
        """Return whose events it is about."""
        return str(self.values.get("source") or SYSCALL)


# By kind and name.
Rules = dict[str, dict[str, Definition]]


def merge(items: Iterable[Item], findings: Findings) -> Rules:
    """Put them together; what cannot be is noted and left out."""
    rules: Rules = {kind: {} for kind in REQUIRED}
    for number, item in enumerate(items):
        if _shaped(item, findings):
            _take(rules[item.kind], item, number, findings)
    return rules


def _shaped(item: Item, findings: Findings) -> bool:
    """Check what can be said of an item alone."""
    before = len(findings.of("error"))
    pattern = _NAMES.get(item.kind)
    if pattern and not pattern.fullmatch(item.name):
        findings.error(
            item.place, "its name is none that a condition could use", f"name it as {pattern.pattern}"
        )
    for key, value in item.body.items():
        wrong = _wrong_type(key, value)
        if wrong:
            findings.error(item.place, f"{key} is {wrong}", f"correct {key}")
    return len(findings.of("error")) == before


def _wrong_type(key: str, value: Any) -> str:
    if key in _TEXTS and not (isinstance(value, str) and value.strip()):
        return "no text, or empty"
    if key in _FLAGS and str(value).lower() not in _TRUE + _FALSE:
        return "neither true nor false"
    if key in ("tags", "items") and not (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    ):
        return "no list of texts"
    if key == "exceptions" and not (
        isinstance(value, list) and all(isinstance(each, dict) for each in value)
    ):
        return "no list of mappings"
    if key == "priority" and value.lower() not in PRIORITIES:
        return f"none that Falco knows ({value}); known are {', '.join(dict.fromkeys(PRIORITIES.values()))}"
    if key == "source" and value not in SOURCES:
        return f"none that anybody knows here ({value}); known are {', '.join(SOURCES)}"
    return ""


def _take(there: dict[str, Definition], item: Item, number: int, findings: Findings) -> None:
    override = item.body.get("override")
    appends = str(item.body.get("append", "false")).lower() in _TRUE
    if appends:
        findings.warn(item.place, "append is deprecated", "write override with the keys that are appended")
    if override is not None and appends:
        findings.error(item.place, "it has both append and override", "keep override")
    elif override is not None or appends:
        _change(there, item, number, override, findings)
    elif item.kind == "rule" and set(item.body) == {"rule", "enabled"}:
        findings.warn(item.place, "a lone enabled is deprecated", "write override: {enabled: replace}")
        _change(there, item, number, {"enabled": "replace"}, findings)
    else:
        _define(there, item, number, findings)


def _define(there: dict[str, Definition], item: Item, number: int, findings: Findings) -> None:
    missing = [key for key in REQUIRED[item.kind] if item.body.get(key) is None]
    if missing:
        findings.error(
            item.place,
            f"it lacks {', '.join(missing)}",
            "add what is missing, or override to change what is defined before",
        )
        return
    before = there.get(item.name)
    if before and before.source != (item.body.get("source") or SYSCALL):
        findings.error(
            item.place, f"it is about another source than in {_where(before)}", "give it another name"
        )
        return
    # Macros and lists of another file are replaced on purpose: that is how rules are tuned.
    if before and (item.kind == "rule" or before.place.file == item.place.file):
        findings.warn(
            item.place,
            f"it replaces the whole definition of {_where(before)}",
            "remove one of them, or write override for what changes",
        )
    values = {key: value for key, value in item.body.items() if key not in ("append", "override")}
    first = before.first if before else number
    there[item.name] = Definition(item.kind, item.name, item.place, first, number, values)


def _where(definition: Definition) -> str:
    return f"{definition.place.file}:{definition.place.line}"


def _change(there: dict[str, Definition], item: Item, number: int, override: Any, findings: Findings) -> None:
    actions = _actions(item, override, findings)
    if not actions:
        return
    before = there.get(item.name)
    if not before:
        findings.error(
            item.place,
            f"it changes a {item.kind} that is not defined before",
            "correct the name, or put the file behind that with the definition",
        )
        return
    for key, action in actions.items():
        value = item.body[key]
        if action == "append":
            value = _appended(key, before.values.get(key), value)
        before.values[key] = value
    before.last = number


def _appended(key: str, old: Any, new: Any) -> Any:
    if key == "exceptions":
        return _exceptions(old or [], new)
    if isinstance(new, list):
        return [*(old or []), *new]
    return f"{old} {new}" if old else new


def _exceptions(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Append: values to an exception of the same name, and what is new."""
    merged = [dict(each) for each in old]
    for each in new:
        same = next((one for one in merged if one.get("name") == each.get("name")), None)
        if same is None:
            merged.append(dict(each))
        else:
            same["values"] = [*(same.get("values") or []), *(each.get("values") or [])]
    return merged


def _actions(item: Item, override: Any, findings: Findings) -> dict[str, str]:
    """Return what happens to which key; nothing when the override is wrong."""
    changeable = REPLACED[item.kind]
    given = [key for key in changeable if key in item.body]
    if override is None:
        override = {key: "append" for key in given if key in APPENDED[item.kind]}
    if not isinstance(override, dict) or not override:
        findings.error(item.place, "override is no mapping of keys to append or replace", "correct override")
        return {}
    wrong = [
        f"{key} cannot be {action}"
        for key, action in override.items()
        if key not in {"append": APPENDED, "replace": REPLACED}.get(str(action), {}).get(item.kind, ())
    ]
    absent = [key for key in override if key not in item.body]
    silent = [key for key in given if key not in override]
    for found, why in (
        (wrong, f"{', '.join(wrong)} in override"),
        (absent, f"override names {', '.join(absent)}, which the item does not give"),
        (silent, f"override does not say what happens to {', '.join(silent)}"),
    ):
        if found:
            findings.error(item.place, why, "have override name each key that the item gives, and no other")
            return {}
    return override
