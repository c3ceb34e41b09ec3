# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which immutable ConfigMaps and Secrets somebody still needs. Pure, over everything that can name one.

What counts is not only what runs: an old ReplicaSet and an old ControllerRevision are where a rollback of
Kubernetes goes to, and every revision that Helm keeps is where one of Helm goes to. Whatever names an object
there keeps it.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import decode
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes

Items = Iterable[Mapping[str, Any]]

# What is about to be referred to is made before the reference: a chart is deployed after its configuration.
YOUNG = datetime.timedelta(hours=1)


def texts(data: Any) -> Iterator[str]:
    """Yield every text of nested data: a name counts wherever it stands."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from texts(value)
    elif isinstance(data, list):
        for item in data:
            yield from texts(item)


def users(live: Mapping[str, Items], names: Iterable[str]) -> dict[str, list[str]]:
    """Return, for each of some names, everything live that says it, as ``Kind name``."""
    wanted = set(names)
    found: dict[str, list[str]] = defaultdict(list)
    for kind, items in live.items():
        for item in items:
            label = f"{kind} {item['metadata']['name']}"
            # Its own status and what was done to it say nothing about what it needs.
            said = {key: value for key, value in item.items() if key not in ("metadata", "status")}
            for name in wanted & set(texts(said)):
                found[name].append(label)
    return found


def releases(secrets: Items, names: Iterable[str]) -> dict[str, list[str]]:
    """Return, for each of some names, the revisions of releases whose manifest or values say it."""
    wanted = set(names)
    found: dict[str, list[str]] = defaultdict(list)
    for secret in secrets:
        release = decode(secret)
        label = f"revision {release.get('version')} of release {release.get('name')}"
        manifest = str(release.get("manifest") or "")
        hooks = "".join(str(hook.get("manifest") or "") for hook in release.get("hooks") or [])
        values = set(texts(release.get("config") or {}))
        for name in wanted:
            if name in values or name in manifest or name in hooks:
                found[name].append(label)
    return found


def is_young(item: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Say whether something was made so lately that its user may still be on its way."""
    born = classes.read(item["metadata"].get("creationTimestamp"))
    return born is None or now - born < YOUNG
