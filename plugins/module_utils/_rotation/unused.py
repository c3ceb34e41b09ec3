# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Who still uses the old content when everybody that can be restarted uses the new one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import READ_EACH_TIME
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import NONE
from ansible_collections.rampart.k8s.plugins.module_utils._generate.stages import Stage
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.journal import Group, Member
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.verify import Use, uses
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

PAUSE = 1.0


def written_at(secret: Mapping[str, Any] | None) -> str:
    """Return when a rotation wrote a Secret last, by the clock of the API server that stamps pods too."""
    metadata = (secret or {}).get("metadata") or {}
    times = [
        str(entry.get("time") or "")
        for entry in metadata.get("managedFields") or []
        if entry.get("manager") == names.FIELD_MANAGER
    ]
    return max(times, default=str(metadata.get("creationTimestamp") or ""))


def wait(shop: Shop, groups: Sequence[Group]) -> None:
    """Wait a while for the last users of the old contents to go; who stays is noted with its group."""
    deadline = time.monotonic() + shop.settings.unused_timeout
    left = list(groups)
    shop.step = "finish"
    # Of what was made for the first time nobody can hold an old one.
    left = [group for group in left if any(member.old is not None for member in group.members)]
    while left:
        note(shop, left)
        left = [group for group in left if group.holders and not group.error]
        if not left or shop.is_incident or time.monotonic() >= deadline:
            return
        shop.store.client.transport.extend(shop.settings.unused_timeout)
        time.sleep(PAUSE)


def note(shop: Shop, groups: Sequence[Group]) -> None:
    space, graph = shop.read()
    written: dict[str, str] = {}
    by_group: dict[int, list[str]] = {id(group): [] for group in groups}
    for use in uses(groups, graph, Stage.ACTIVATE, back=False):
        by_group[id(use.group)] += _pods(shop, space, use, written)

    def ask(group: Group) -> None:
        listed = by_group[id(group)]
        for member, backend in shop.replaced(group):
            listed += backend.usage(shop.turn(member))
        group.holders = sorted(set(listed))

    shop.guarded(groups, ask)


def _pods(shop: Shop, space: Namespace, use: Use, written: dict[str, str]) -> list[str]:
    """Name the pods of a consumer that nothing restarts, and that were made before the new content was."""
    consumer = use.consumer
    makes_pods = consumer.workload is not None or consumer.kind == "Pod"
    if consumer.action != NONE or not makes_pods or set(consumer.ways) <= READ_EACH_TIME:
        return []
    if consumer.kind == "Pod":
        pods = [pod for pod in space.pods() if pod["metadata"]["name"] == consumer.name]
    else:
        pods = space.pods_of(consumer.kind, consumer.name)
    if not pods:
        return []
    since = _since(shop, use.member, written)
    return [
        f"Pod {pod['metadata']['name']}: {consumer.reason}"
        for pod in pods
        if str(pod["metadata"].get("creationTimestamp") or "") <= since
    ]


def _since(shop: Shop, member: Member, written: dict[str, str]) -> str:
    name = member.objects[Stage.ACTIVATE]
    if name not in written:
        written[name] = written_at(shop.store.find(name))
    return written[name]
