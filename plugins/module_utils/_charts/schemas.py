# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""JSON schemas of what a cluster serves, made of the OpenAPI documents that it publishes itself.

Collected schemas of others are those of some version of some kinds. These are of this very cluster, its
custom resources included, and need no network beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

GVK = "x-kubernetes-group-version-kind"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
REFERENCE = "#/components/schemas/"
DIALECT = "http://json-schema.org/draft-07/schema#"
# Formats of OpenAPI are not those of JSON schema, and defaults say nothing of what is allowed.
LEFT_OUT = ("default", "description", "format", "nullable")


def kinds(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield group, version, kind and the name of the schema of every kind in a document."""
    for name, schema in _schemas(document).items():
        for entry in schema.get(GVK) or ():
            yield entry["group"], entry["version"], entry["kind"], name


def _schemas(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (document.get("components") or {}).get("schemas") or {}
    return found


def schema(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return one schema with all that it refers to; fields that it does not name are errors."""
    known = _schemas(document)
    definitions: dict[str, Any] = {}
    todo = [name]
    while todo:
        current = todo.pop()
        if current not in definitions:
            # Who refers to it may be allowed to leave it out, and then null is allowed as well.
            definitions[current] = _strict(known[current], optional=current != name)
            todo += _references(known[current])
    return {"$schema": DIALECT, "$ref": f"#/definitions/{name}", "definitions": definitions}


def _references(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(REFERENCE)
            else:
                yield from _references(value)
    elif isinstance(data, list):
        for value in data:
            yield from _references(value)


def _strict(data: Mapping[str, Any], *, optional: bool) -> dict[str, Any]:
    """Translate one level. The server takes null for whatever may be left out."""
    made: dict[str, Any] = {
        key: value for key, value in data.items() if key not in LEFT_OUT and not key.startswith("x-")
    }
    if "$ref" in made:
        made["$ref"] = f"#/definitions/{made['$ref'].removeprefix(REFERENCE)}"
    required = set(made.get("required") or ())
    if "properties" in made:
        made["properties"] = {
            key: _strict(value, optional=key not in required) for key, value in made["properties"].items()
        }
        if not data.get(PRESERVE):
            made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties", "not"):
        if isinstance(made.get(key), Mapping):
            made[key] = _strict(made[key], optional=key == "additionalProperties")
    for key in ("allOf", "anyOf", "oneOf"):
        if key in made:
            made[key] = [_strict(each, optional=False) for each in made[key]]
    if data.get("x-kubernetes-int-or-string") and "oneOf" not in made and "anyOf" not in made:
        made["oneOf"] = [{"type": "integer"}, {"type": "string"}]
    if data.get("x-kubernetes-embedded-resource"):
        # What every object has, whatever else is said of it.
        made.pop("additionalProperties", None)
    if optional or data.get("nullable"):
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
        if "oneOf" in made:
            made["oneOf"] = [*made["oneOf"], {"type": "null"}]
    return made
