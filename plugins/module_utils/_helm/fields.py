# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Walks two versions of an object side by side, as the API server merges them.

An item of a list is found in another list by what the API tells items of that list apart by. The server's
own schema would say by what; the keys below cover every list of the built-in kinds that is merged by key,
and what is taken for a difference here is judged by the server itself before anybody is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

KEYS = (
    ("name",),
    ("containerPort", "protocol"),
    ("port", "protocol"),
    ("mountPath",),
    ("devicePath",),
    ("ip",),
    ("type",),
    ("topologyKey", "whenUnsatisfiable"),
    ("uid",),
)
DEFAULTS = {"protocol": "TCP"}

Path: TypeAlias = "tuple[str | int, ...]"


def keys_of(items: Sequence[Any]) -> tuple[str, ...]:
    """Return the keys that tell the items of a list apart; empty when nothing does."""
    if not items or not all(isinstance(item, Mapping) for item in items):
        return ()
    for keys in KEYS:
        if all(keys[0] in item for item in items):
            identities = [identity(item, keys) for item in items]
            if len(set(identities)) == len(identities):
                return keys
    return ()


def identity(item: Mapping[str, Any], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(item.get(key, DEFAULTS.get(key, ""))) for key in keys)


def partner(item: Mapping[str, Any], others: Sequence[Any], keys: Sequence[str]) -> int | None:
    """Return the position of the item with the same identity in another list."""
    wanted = identity(item, keys)
    for position, other in enumerate(others):
        if isinstance(other, Mapping) and identity(other, keys) == wanted:
            return position
    return None


def empty(value: Any) -> bool:
    """Say whether the server may leave a value out as if it were not there."""
    return value is None or value in ({}, [], "")


def differences(wanted: Any, live: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where a wanted object is not what is live; what is live on top does not count."""
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            if key in live:
                yield from differences(value, live[key], (*path, key))
            elif not empty(value):
                yield (*path, key)
        return
    if isinstance(wanted, list) and isinstance(live, list):
        keys = keys_of(wanted)
        if keys:
            for position, item in enumerate(wanted):
                found = partner(item, live, keys)
                if found is None:
                    yield (*path, position)
                else:
                    yield from differences(item, live[found], (*path, position))
            return
        if len(wanted) == len(live):
            for position, (item, other) in enumerate(zip(wanted, live, strict=True)):
                yield from differences(item, other, (*path, position))
            return
    if not (_equal(wanted, live) or (empty(wanted) and empty(live))):
        yield path


def _equal(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def additions(base: Any, other: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield what another version has that the base does not say at all, with its value there."""
    if isinstance(base, Mapping) and isinstance(other, Mapping):
        for key, value in other.items():
            if key not in base:
                if not empty(value):
                    yield (*path, key), value
            else:
                yield from additions(base[key], value, (*path, key))
    elif isinstance(base, list) and isinstance(other, list):
        keys = keys_of(other)
        for position, item in enumerate(other):
            found = partner(item, base, keys) if keys else None
            if keys and found is None:
                yield (*path, position), item
            elif keys and found is not None:
                yield from additions(base[found], item, (*path, position))


def locate(source: Any, target: Any, path: Path) -> Path | None:
    """Lead a path in one version over to another, item by item; None when it does not exist there."""
    led: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            if not isinstance(source, list) or not isinstance(target, list):
                return None
            keys = keys_of(source)
            found = partner(source[step], target, keys) if keys else None
            if found is None:
                return None
            source, target = source[step], target[found]
            led.append(found)
        else:
            if not isinstance(target, Mapping) or step not in target:
                return None
            source, target = source[step], target[step]
            led.append(step)
    return tuple(led)


def value_at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def shown(data: Any, path: Path) -> str:
    """Write a path for people: items of lists by what tells them apart."""
    text = ""
    for step in path:
        if isinstance(step, int):
            item = data[step]
            keys = keys_of(data)
            text += f"[{keys[0]}={item[keys[0]]}]" if keys else f"[{step}]"
        else:
            text += f".{step}" if text else step
        data = data[step]
    return text


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
