# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What changes in an object, for people: changed fields only, secrets as keyed fingerprints."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import fingerprint
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import (
    LAST_APPLIED,
    SERVER_METADATA,
    is_secret,
)

_MISSING = object()


def shown(definition: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Return an object as it may be shown: without what the server keeps for itself, without secrets."""
    made = {name: value for name, value in definition.items() if name != "status"}
    made["metadata"] = {
        name: value for name, value in (made.get("metadata") or {}).items() if name not in SERVER_METADATA
    }
    if is_secret(definition):
        annotations = dict(made["metadata"].get("annotations") or {})
        if LAST_APPLIED in annotations:
            annotations[LAST_APPLIED] = fingerprint(key, str(annotations[LAST_APPLIED]).encode())
            made["metadata"]["annotations"] = annotations
        made.pop("stringData", None)
        if "data" in made:
            made["data"] = {name: _print(key, value) for name, value in (made["data"] or {}).items()}
    return made


def _print(key: bytes, value: Any) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raw = str(value).encode()
    return fingerprint(key, raw)


def changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both sides reduced to the fields that differ; lists are shown whole."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name, _MISSING), after.get(name, _MISSING)
        if one is other or one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            old[name], new[name] = changed_fields(one, other)
            continue
        if one is not _MISSING:
            old[name] = one
        if other is not _MISSING:
            new[name] = other
    return old, new


def field_names(before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the paths of what two reduced sides differ in, for the reason."""
    names: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(one, Mapping) and isinstance(other, Mapping) and one and other:
            names += field_names(one, other, path)
        else:
            names.append(path)
    return names
