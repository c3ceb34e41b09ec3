# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings a list of images to a list of nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import (
    FAILED,
    LOADED,
    UNCHANGED,
    Holding,
    check_names,
    check_platforms,
    lacking_names,
    planned,
)
from ansible_collections.rampart.k8s.plugins.module_utils._load.delivery import Delivery
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import Runtime
from ansible_collections.rampart.k8s.plugins.module_utils._load.sources import Sources
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted

# Nodes at once; on one machine the disk is the limit.
WORKERS = 8


@dataclass(slots=True)
class ImageLoad:
    """All images and all nodes of one task."""

    wanted: Sequence[Wanted]
    nodes: Sequence[Runtime]
    sources: Sources
    progress: Progress
    check_mode: bool = False
    # Raises RampartError for an image that may not be loaded.
    gate: Callable[[Wanted, NodeImage], None] = lambda _wanted, _image: None
    _images: list[NodeImage] = field(default_factory=list, init=False)
    _holdings: dict[str, Holding] = field(default_factory=dict, init=False)

    def plan(self) -> Plan:
        """Read the images, ask every node, and compare."""
        there = [wanted for wanted in self.wanted if wanted.exists() or not self.check_mode]
        coming = [wanted.shown for wanted in self.wanted if wanted not in there]
        self._images = [wanted.for_nodes(self.sources.open(wanted)) for wanted in there]
        check_names(self._images)
        with ThreadPoolExecutor(WORKERS) as pool:
            holdings = list(pool.map(self._ask, self.nodes))
        self._holdings = dict(zip((node.name for node in self.nodes), holdings, strict=True))
        check_platforms(self._images, self._holdings)
        told = {name: planned(self._images, holding) for name, holding in self._holdings.items()}
        lacking = [name for name, entry in told.items() if entry["result"] != UNCHANGED]
        if lacking:
            for wanted, image in zip(there, self._images, strict=True):
                self.gate(wanted, image)
        names = lacking_names(self._images, holdings)
        reasons = [f"{', '.join(lacking)} lacks {names}"] if lacking else []
        reasons += [f"{', '.join(coming)} is not made yet"] if coming else []
        return Plan(
            changed=bool(reasons),
            reason="; ".join(reasons) or "every node has all of them",
            before={name: _side(entry, "before") for name, entry in told.items()},
            after={name: _side(entry, "after") for name, entry in told.items()},
            result=self._result(told),
        )

    def apply(self, plan: Plan) -> Plan:
        """Deliver to all nodes at once; one that fails keeps none of the others from its images."""
        with ThreadPoolExecutor(WORKERS) as pool:
            delivered = list(pool.map(self._deliver, self.nodes))
        told = dict(zip((node.name for node in self.nodes), delivered, strict=True))
        failed = {name: entry for name, entry in told.items() if entry["result"] == FAILED}
        if failed:
            raise RampartError(
                f"{', '.join(failed)} of {len(told)} nodes did not get the images. "
                + " ".join(f"{name}: {entry['error']}" for name, entry in failed.items()),
                next_step="repair the node, then run again: what the others have is not sent again",
                **self._result(told),
            )
        return replace(plan, result=self._result(told))

    def _ask(self, node: Runtime) -> Holding:
        try:
            return node.holding()
        except RampartError as error:
            # An earlier task starts it, in a real run.
            if self.check_mode:
                return Holding()
            raise RampartError(
                f"The node {node.name} cannot be asked what it has: {error.message}",
                next_step="start the node and its container runtime, then run again; nothing was loaded",
                node=node.name,
            ) from error

    def _deliver(self, node: Runtime) -> dict[str, Any]:
        holding = self._holdings[node.name]
        told = planned(self._images, holding)
        if told["result"] == UNCHANGED:
            return told
        self.progress.say(f"{node.name} gets {told['bytes']} bytes")
        delivery = Delivery(node, self._images, holding)
        try:
            delivery.run()
        except RampartError as error:
            return {**told, **error.details, "result": FAILED, "error": str(error)}
        self.progress.say(f"{node.name} has all of them")
        return {**told, "result": LOADED, "bytes": delivery.sent.bytes}

    def _result(self, told: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "images": [
                {
                    "name": image.name,
                    "by_digest": image.names[-1],
                    "digest": image.target.digest,
                    "id": image.packed.id,
                    "platform": image.packed.platform,
                    "size": image.size,
                }
                for image in self._images
            ],
            "loaded": {name: entry["result"] for name, entry in told.items()},
            "nodes": dict(told),
            "bytes": sum(entry["bytes"] for entry in told.values()),
        }


def _side(entry: Mapping[str, Any], side: str) -> dict[str, str]:
    return {name: each[side] for name, each in entry["moved"].items()}
