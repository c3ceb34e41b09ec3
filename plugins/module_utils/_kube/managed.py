# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides from a live object alone whether applying a definition would change nothing.

Server-side apply keeps, for each field manager, the set of fields that it applied last
(``metadata.managedFields``). When that set is exactly the set of fields of the definition and all
their values are the live ones, an apply changes nothing, and a read (half of what a dry run costs
the API server) has told it. Everything else, defaulted and normalised values included, counts as
unknown, and a dry run decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# Not in the set: they say which object it is.
IDENTITY = frozenset({"apiVersion", "kind"})
METADATA_IDENTITY = frozenset({"name", "namespace"})


def surely_unchanged(definition: Mapping[str, Any], live: Mapping[str, Any], manager: str) -> bool:
    """Say whether applying is certain to change nothing; False means unknown."""
    owned = applied_fields(live, manager, definition["apiVersion"])
    wanted = {key: value for key, value in definition.items() if key not in IDENTITY}
    metadata = {key: value for key, value in wanted.pop("metadata").items() if key not in METADATA_IDENTITY}
    if metadata:
        wanted["metadata"] = metadata
    if not wanted:
        # A bare name (a namespace without labels): there is nothing to own, and the server notes nothing.
        return not owned
    return owned is not None and _same(owned, wanted, live)


def applied_fields(live: Mapping[str, Any], manager: str, api_version: str) -> dict[str, Any] | None:
    """Return the fields that a manager applied last, in this version; None when it never did."""
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and entry.get("apiVersion") == api_version
            and not entry.get("subresource")
        ):
            return entry.get("fieldsV1") or {}
    return None


def is_applied_by(live: Mapping[str, Any], manager: str) -> bool:
    """Say whether an object was applied by this manager, in any version."""
    return any(
        entry.get("manager") == manager and entry.get("operation") == "Apply"
        for entry in (live.get("metadata") or {}).get("managedFields") or []
    )


def _same(owned: Mapping[str, Any], wanted: Any, live: Any) -> bool:
    children = {key: value for key, value in owned.items() if key != "."}
    if not children:
        # A single value, or a list or map that is replaced as a whole.
        return _equal(wanted, live)
    if isinstance(wanted, dict) and isinstance(live, dict):
        if children.keys() != {f"f:{key}" for key in wanted}:
            return False
        return all(
            key in live and _same(children[f"f:{key}"], value, live[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(live, list):
        if len(children) != len(wanted):
            return False
        if all(key.startswith("v:") for key in children):
            return _same_set(children, wanted, live)
        if all(key.startswith("k:") for key in children):
            return _same_items(children, wanted, live)
    return False


def _same_set(children: Mapping[str, Any], wanted: list[Any], live: list[Any]) -> bool:
    owned = [json.loads(key[2:]) for key in children]
    shared = [value for value in live if value in wanted]
    # An apply also brings its own order.
    return all(value in owned for value in wanted) and _equal(wanted, shared)


def _same_items(children: Mapping[str, Any], wanted: list[Any], live: list[Any]) -> bool:
    """Compare a list whose items are told apart by keys, such as containers by name."""
    keys = {text: json.loads(text[2:]) for text in children}
    last = -1
    for item in wanted:
        if not isinstance(item, dict):
            return False
        # A key field that the item leaves out has its default in the set (a port's protocol).
        owned = [text for text, key in keys.items() if _has(item, key, absent_is_fine=True)]
        if len(owned) != 1:
            return False
        places = [place for place, other in enumerate(live) if _has(other, keys[owned[0]])]
        if len(places) != 1 or places[0] <= last:
            return False
        last = places[0]
        if not _same(children[owned[0]], item, live[last]):
            return False
    return True


def _has(item: Any, key: Mapping[str, Any], *, absent_is_fine: bool = False) -> bool:
    if not isinstance(item, dict):
        return False
    return all(
        (absent_is_fine and field not in item) or (field in item and _equal(item[field], value))
        for field, value in key.items()
    )


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, and null is no value to rely on."""
    if one is None or other is None or isinstance(one, bool) is not isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)
