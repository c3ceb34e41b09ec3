# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Names of objects, and definitions made fit to be applied. Pure: nothing is asked or sent."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

# The API server's own limit (MaxSecretSize), on the sum of the decoded values.
MAX_SECRET_BYTES = 1024 * 1024

# What the server writes; in a definition it is left over from an export.
SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)

# Every object name is a path segment; most are stricter, which the server checks.
NAME = re.compile(r"(?!\.{1,2}$)[^/%\s]{1,253}")


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The name of one object."""

    api_version: str
    kind: str
    namespace: str | None
    name: str

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> Ref:
        """Read the name out of a definition or a live object."""
        metadata = definition["metadata"]
        return cls(definition["apiVersion"], definition["kind"], metadata.get("namespace"), metadata["name"])

    @property
    def group(self) -> str:
        """The API group; the core group is the empty string."""
        return self.api_version.rpartition("/")[0]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What is the same for all versions of a group."""
        return self.group, self.kind, self.namespace or "", self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    def as_result(self) -> dict[str, str]:
        """Return the name as plain data."""
        return {"kind": self.kind, "namespace": self.namespace or "", "name": self.name}


def is_secret(definition: Mapping[str, Any]) -> bool:
    """Say whether a definition's data must never be shown."""
    return definition.get("kind") == "Secret" and definition.get("apiVersion") == "v1"


def prepare(definition: Mapping[str, Any], position: int) -> tuple[dict[str, Any], list[str]]:
    """Return a copy that can be applied, and warnings; a definition that cannot be is an error."""
    place = f"definitions[{position}]"
    made = copy.deepcopy(dict(definition))
    metadata = made.get("metadata")
    for field, value in (("apiVersion", made.get("apiVersion")), ("kind", made.get("kind"))):
        if not isinstance(value, str) or not value:
            raise RampartError(f"{place} has no {field}.", next_step="add it")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise RampartError(
            f"{place} ({made['kind']}) has no metadata.name as a text.",
            next_step="add it; objects with generateName cannot be applied twice",
        )
    for field in ("name", "namespace"):
        value = metadata.get(field)
        if value is not None and not (isinstance(value, str) and NAME.fullmatch(value)):
            raise RampartError(f"{place} has a metadata.{field} that is no name: {value!r}.")
    made.pop("status", None)
    for field in SERVER_METADATA:
        metadata.pop(field, None)
    warnings = _strip_last_applied(made)
    if is_secret(made):
        _encode_secret(made)
    return made, warnings


def _strip_last_applied(definition: dict[str, Any]) -> list[str]:
    annotations = definition["metadata"].get("annotations")
    if not isinstance(annotations, dict) or LAST_APPLIED not in annotations:
        return []
    del annotations[LAST_APPLIED]
    if not annotations:
        del definition["metadata"]["annotations"]
    if not is_secret(definition):
        return []
    return [
        f"{Ref.of(definition)} carried kubectl's last-applied annotation, which repeats its values in plain "
        "sight. It was left out; take it out of the definition."
    ]


def _encode_secret(definition: dict[str, Any]) -> None:
    """Write stringData as data: the server never returns stringData, so it always looks changed."""
    ref = Ref.of(definition)
    text = definition.pop("stringData", None) or {}
    data = dict(definition.get("data") or {})
    total = 0
    for key, value in text.items():
        if not isinstance(value, str):
            raise RampartError(f"stringData.{key} of {ref} is not a text.", next_step="quote it")
        data[key] = base64.b64encode(value.encode()).decode("ascii")
    for key, value in data.items():
        try:
            total += len(base64.b64decode(value, validate=True))
        except (ValueError, TypeError):
            raise RampartError(
                f"data.{key} of {ref} is not base64.",
                next_step="encode it, or put the plain text into stringData",
            ) from None
    if total > MAX_SECRET_BYTES:
        raise RampartError(
            f"{ref} holds {total} bytes; a Secret can hold {MAX_SECRET_BYTES}. Nothing was written.",
            next_step="split it, or keep what is not secret in a ConfigMap or a volume",
            bytes=total,
        )
    if data:
        definition["data"] = data


def secret_values(definition: Mapping[str, Any]) -> Iterable[str | bytes]:
    """Yield everything of a Secret that must not be seen, plain and encoded."""
    if not is_secret(definition):
        return
    for value in (definition.get("data") or {}).values():
        if not isinstance(value, str):
            continue
        yield value
        try:
            yield base64.b64decode(value, validate=True)
        except ValueError:
            continue
    for value in (definition.get("stringData") or {}).values():
        yield str(value)
    annotation = ((definition.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if annotation:
        yield str(annotation)


def reject_duplicates(refs: Iterable[Ref]) -> None:
    """Refuse a list that defines an object twice: which one wins would be chance."""
    seen: set[tuple[str, str, str, str]] = set()
    twice: set[str] = set()
    for ref in refs:
        if ref.identity in seen:
            twice.add(str(ref))
        seen.add(ref.identity)
    if twice:
        raise RampartError(
            f"These objects are defined more than once: {', '.join(sorted(twice))}.",
            next_step="keep one definition of each",
            duplicates=sorted(twice),
        )
