# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings a list of images to a list of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import (
    FAILED,
    LOADED,
    Holding,
    check_names,
    check_platforms,
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
    _deliveries: list[Delivery] = field(default_factory=list, init=False)
    _wanted_as: dict[str, Wanted] = field(default_factory=dict, init=False)
    # The names of the images that the gate has let pass.
    _passed: set[str] = field(default_factory=set, init=False)

    def plan(self) -> Plan:
        """Read the images, ask every node, and compare."""
        there = [wanted for wanted in self.wanted if wanted.exists() or not self.check_mode]
        coming = [wanted.shown for wanted in self.wanted if wanted not in there]
        self._images = [wanted.for_nodes(self.sources.open(wanted)) for wanted in there]
        check_names(self._images)
        with ThreadPoolExecutor(WORKERS) as pool:
            self._deliveries = list(pool.map(self._prepare, self.nodes))
        check_platforms(self._images, {one.node: one.holding for one in self._deliveries})
        self._wanted_as = {image.name: wanted for wanted, image in zip(there, self._images, strict=True)}
        lacking = [one for one in self._deliveries if one.lacking]
        self._let_pass({need.name: need.view.image for one in lacking for need in one.lacking}.values())
        reasons = [f"{one.node} lacks {', '.join(need.name for need in one.lacking)}" for one in lacking]
        reasons += [f"{', '.join(coming)} is not made yet"] if coming else []
        told = {one.node: planned(one.views, one.holding) for one in self._deliveries}
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
            told = dict(pool.map(self._deliver, self._deliveries))
        failed = {name: entry for name, entry in told.items() if entry["result"] == FAILED}
        if failed:
            raise RampartError(
                f"{', '.join(failed)} of {len(told)} nodes did not get the images. "
                + " ".join(f"{name}: {entry['error']}" for name, entry in failed.items()),
                next_step="repair the node, then run again: what the others have is not sent again",
                **self._result(told),
            )
        return replace(plan, result=self._result(told))

    def _let_pass(self, images: Iterable[NodeImage]) -> None:
        """Judge what is to be sent, each once; raises RampartError for an image that may not be loaded."""
        left = [image for image in images if image.name not in self._passed]
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda image: self.gate(self._wanted_as[image.name], image), left))
        self._passed.update(image.name for image in left)

    def _prepare(self, node: Runtime) -> Delivery:
        try:
            holding = node.holding()
        except RampartError as error:
            if not self.check_mode:
                raise RampartError(
                    f"The node {node.name} cannot be asked what it has: {error.message}",
                    next_step="start the node and its container runtime, then run again; nothing was loaded",
                    node=node.name,
                ) from error
            # An earlier task starts it, in a real run.
            holding = Holding()
        return Delivery(node, [node.view(image) for image in self._images], holding, approve=self._let_pass)

    def _deliver(self, delivery: Delivery) -> tuple[str, dict[str, Any]]:
        told = planned(delivery.views, delivery.holding)
        if not delivery.lacking:
            return delivery.node, told
        self.progress.say(f"{delivery.node} gets {told['bytes']} bytes")
        try:
            delivery.run()
        except RampartError as error:
            return delivery.node, {**told, **error.details, "result": FAILED, "error": str(error)}
        self.progress.say(f"{delivery.node} has all of them")
        return delivery.node, {**told, "result": LOADED, "bytes": delivery.sent.bytes}

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
