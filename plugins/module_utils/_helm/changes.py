# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a delivery would change: the manifest that is there against the one that would be, secrets masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.diff import changed_fields, shown
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref


def sides(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], key: bytes
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both manifests by object, reduced to what differs; values of Secrets as keyed fingerprints."""
    old = {Ref.of(item): shown(item, key) for item in before}
    new = {Ref.of(item): shown(item, key) for item in after}
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for ref in sorted(old.keys() | new.keys()):
        if ref not in new:
            one[str(ref)] = {"kind": ref.kind, "name": ref.name}
        elif ref not in old:
            other[str(ref)] = new[ref]
        elif old[ref] != new[ref]:
            one[str(ref)], other[str(ref)] = changed_fields(old[ref], new[ref])
    return one, other


def summary(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Say how many objects meet what."""
    counts = {
        "created": len(other.keys() - one.keys()),
        "changed": len(one.keys() & other.keys()),
        "removed": len(one.keys() - other.keys()),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "the values only"


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of values over another."""
    made = dict(values)
    for key, value in more.items():
        below = made.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        made[key] = merged(below, value) if both and isinstance(below, Mapping) else value
    return made


def texts(value: Any) -> Iterable[str]:
    """Yield every text in a tree of values."""
    if isinstance(value, Mapping):
        for below in value.values():
            yield from texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from texts(below)
    elif value is not None:
        yield str(value)
