# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is live and is not what the manifest of a release says: changed, missing, left over or foreign."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm import fields
from ansible_collections.rampart.k8s.plugins.module_utils._helm.fields import Path
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref

# Who writes into the objects of a release as a part of the cluster's own work, or of this collection's.
CONTROLLERS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    "rampart*",
)
HELM = ("helm", "Helm")

# Helm marks what it made; the manifest does not show it.
HELM_OWN = re.compile(
    r"/metadata/(labels/app\.kubernetes\.io~1managed-by|annotations/meta\.helm\.sh~1release-(name|namespace))"
)
RESTARTED = ("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
CHANGED, MISSING, RESIDUE, FOREIGN = "changed", "missing", "residue", "foreign"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is none of our business: fields of some objects, or whatever some manager writes."""

    kind: str = "*"
    name: str = "*"
    # A JSON pointer; everything below it counts too. Stars match within one part.
    path: str = ""
    manager: str = ""

    def covers(self, ref: Ref, pointer: str, manager: str) -> bool:
        if not (fnmatchcase(ref.kind, self.kind) and fnmatchcase(ref.name, self.name)):
            return False
        if self.manager and not fnmatchcase(manager, self.manager):
            return False
        if not self.path:
            return bool(self.manager)
        wanted, given = self.path.rstrip("/").split("/"), pointer.split("/")
        return len(given) >= len(wanted) and all(map(fnmatchcase, given, wanted))


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it should be; values are never told, they may be secret."""

    kind: str
    ref: Ref
    fields: tuple[str, ...] = ()
    manager: str = ""
    # Where the fields are in the live object, and what to test for before removing them.
    paths: tuple[Path, ...] = ()
    revision: int = 0

    def __str__(self) -> str:
        listed = ", ".join(self.fields)
        if self.kind == MISSING:
            return f"{self.ref} is missing"
        if self.kind == RESIDUE and not self.fields:
            return f"{self.ref} is left over from revision {self.revision}"
        if self.kind == RESIDUE:
            return f"{self.ref} still has {listed} of revision {self.revision}"
        if self.kind == FOREIGN:
            return f"{self.ref} has {listed} that {self.manager} added"
        by = f" (written by {self.manager})" if self.manager else ""
        return f"{self.ref} is not as the manifest says in {listed}{by}"

    def as_result(self) -> dict[str, Any]:
        return {
            "drift": self.kind,
            **self.ref.as_result(),
            "fields": list(self.fields),
            "manager": self.manager,
        }


def changed(
    wanted: Mapping[str, Any], live: Mapping[str, Any], rules: Sequence[Rule]
) -> tuple[list[Path], list[str]]:
    """Return where a live object seems to differ: paths in the manifest, and how people call them."""
    ref = Ref.of(live)
    paths, names = [], []
    for path in fields.differences(wanted, live):
        place = fields.pointer(path)
        if not any(rule.covers(ref, place, "") for rule in rules):
            paths.append(path)
            names.append(fields.shown(wanted, path))
    return paths, names


def foreign(wanted: Mapping[str, Any], live: Mapping[str, Any], rules: Sequence[Rule]) -> Iterator[Drift]:
    """Yield what others have added to an object of the release, by who did it."""
    ref = Ref.of(live)
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        manager = str(entry.get("manager") or "")
        known = (*HELM, *CONTROLLERS)
        if entry.get("subresource") == "status" or any(fnmatchcase(manager, pattern) for pattern in known):
            continue
        places = [
            path
            for path in _owned(entry.get("fieldsV1") or {}, wanted, live, ())
            if not any(rule.covers(ref, fields.pointer(path), manager) for rule in rules)
        ]
        if places:
            names = tuple(fields.shown(live, path) for path in places)
            yield Drift(FOREIGN, ref, names, manager, tuple(places))


def writers(live: Mapping[str, Any], path: Path) -> list[str]:
    """Say who owns a field of a live object."""
    return sorted(
        {
            str(entry.get("manager"))
            for entry in (live.get("metadata") or {}).get("managedFields") or []
            if entry.get("subresource") != "status" and _holds(entry.get("fieldsV1") or {}, live, path)
        }
    )


def _children(owned: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in owned.items() if key != "."}


def _owned(owned: Mapping[str, Any], wanted: Any, live: Any, path: Path) -> Iterator[Path]:
    """Yield the topmost owned places that are live and that the manifest does not have."""
    for key, below in _children(owned).items():
        step, value = _step(key, live)
        if step is None or (not path and step in ("status", "apiVersion", "kind")):
            continue
        there, other = _counterpart(wanted, live, step)
        if not there and _is_stamp((*path, step), value):
            continue
        if not there:
            if not fields.empty(value) or not _children(below):
                yield (*path, step)
        elif _children(below):
            yield from _owned(below, other, value, (*path, step))


def _is_stamp(path: Path, value: Any) -> bool:
    # Deployments number their revisions in an annotation, which kubectl copies along. A restart by kubectl
    # leaves when it was; what runs then is what ran before.
    only_that = path == RESTARTED[:-1] and set(value) == {RESTARTED[-1]}
    return (
        path == RESTARTED
        or only_that
        or (
            path[:1] == ("metadata",)
            and (
                (len(path) > 1 and path[1] not in ("labels", "annotations"))
                or path[2:3] == ("deployment.kubernetes.io/revision",)
            )
        )
    )


def _step(key: str, live: Any) -> tuple[str | int | None, Any]:
    """Read one key of a field set: a field, or an item by its keys or its value."""
    kind, _colon, text = key.partition(":")
    if kind == "f" and isinstance(live, Mapping) and text in live:
        return text, live[text]
    if kind == "k" and isinstance(live, list):
        wanted = json.loads(text)
        for position, item in enumerate(live):
            if isinstance(item, Mapping) and all(
                item.get(name, fields.DEFAULTS.get(name)) == value for name, value in wanted.items()
            ):
                return position, item
    if kind == "v" and isinstance(live, list):
        value = json.loads(text)
        if value in live:
            return live.index(value), value
    return None, None


def _counterpart(wanted: Any, live: Any, step: str | int) -> tuple[bool, Any]:
    if isinstance(step, str):
        there = isinstance(wanted, Mapping) and step in wanted
        return there, wanted[step] if there else None
    if not isinstance(wanted, list):
        return False, None
    item = live[step]
    if not isinstance(item, Mapping):
        return item in wanted, item
    keys = fields.keys_of(live)
    found = fields.partner(item, wanted, keys) if keys else None
    return found is not None, wanted[found] if found is not None else None


def _holds(owned: Mapping[str, Any], live: Any, path: Path) -> bool:
    if not path:
        return True
    if not _children(owned):
        # It owns all that lies below.
        return True
    for key, below in _children(owned).items():
        step, value = _step(key, live)
        if step == path[0]:
            return _holds(below, value, path[1:])
    return False


def left_fields(
    wanted: Mapping[str, Any],
    live: Mapping[str, Any],
    others: Iterable[tuple[int, Mapping[str, Any]]],
    rules: Sequence[Rule],
) -> Iterator[Drift]:
    """Yield what is still live of other revisions of an object: set there, not set here, and unchanged.

    A field that only such a revision set may have got its default back, and then its value is another one.
    """
    ref = Ref.of(live)
    seen: set[Path] = set()
    for number, other in others:
        places, names = [], []
        for path, value in fields.additions(wanted, other):
            led = fields.locate(other, live, path)
            if led is None or led in seen or any(True for _each in fields.differences(value, _at(live, led))):
                continue
            owners = writers(live, led)
            if owners and not {*owners} & {*HELM}:
                # Somebody else has taken it over since.
                continue
            place = fields.pointer(led)
            if HELM_OWN.fullmatch(place) or any(rule.covers(ref, place, "") for rule in rules):
                continue
            seen.add(led)
            places.append(led)
            names.append(fields.shown(live, led))
        if places:
            yield Drift(RESIDUE, ref, tuple(names), paths=tuple(places), revision=number)


def _at(live: Any, path: Path) -> Any:
    return fields.value_at(live, path)


def left_objects(
    wanted: Iterable[Ref], others: Iterable[tuple[int, Iterable[Mapping[str, Any]]]]
) -> dict[Ref, int]:
    """Return what other revisions made and this one does not have, with the newest such revision."""
    kept = {ref.identity for ref in wanted}
    found: dict[Ref, int] = {}
    for number, objects in others:
        for item in objects:
            annotations = (item.get("metadata") or {}).get("annotations") or {}
            ref = Ref.of(item)
            if ref.identity in kept or annotations.get("helm.sh/resource-policy") == "keep":
                continue
            found[ref] = max(number, found.get(ref, 0))
    return found


def is_of_release(live: Mapping[str, Any], name: str, namespace: str) -> bool:
    """Say whether Helm made a live object for this very release."""
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    return (
        annotations.get("meta.helm.sh/release-name") == name
        and annotations.get("meta.helm.sh/release-namespace") == namespace
    )


def removal(drift: Drift, live: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON patch that takes fields out of an object, as long as it is still the same."""
    version = {
        "op": "test",
        "path": "/metadata/resourceVersion",
        "value": live["metadata"]["resourceVersion"],
    }
    # From the end of a list to its begin, so that no position moves before its turn.
    places = sorted(drift.paths, key=lambda path: [str(step).zfill(8) for step in path], reverse=True)
    return [version, *({"op": "remove", "path": fields.pointer(path)} for path in places)]
