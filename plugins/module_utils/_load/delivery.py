# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings images to one node, and looks afterwards whether they are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View, needs
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import Runtime
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent

# Content can be collected between the look and the import, and a runtime can be killed: one more try.
ATTEMPTS = 2
# How long a runtime that was killed may take to come back.
UP_SECONDS = 30.0
# How long the kubelet's side of containerd may take to see a new name.
SEEN_SECONDS = 10.0
LOOK_SECONDS = 0.2

NO_SPACE = "no space left on device"


@dataclass(slots=True)
class Delivery:
    """One node."""

    runtime: Runtime
    views: Sequence[View]
    holding: Holding
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    sent: Sent = field(default_factory=Sent)
    # Raises RampartError for an image that may not be sent: what was there can be collected meanwhile.
    approve: Callable[[Iterable[NodeImage]], None] = lambda _images: None

    @property
    def node(self) -> str:
        return self.runtime.name

    @property
    def lacking(self) -> list[Need]:
        """What the node lacked when it was asked."""
        return needs(self.views, self.holding)

    def run(self) -> None:
        """Send what is lacking; raises RampartError unless every image is there at the end."""
        trouble: RampartError | None = None
        for attempt in range(ATTEMPTS):
            lacking = needs(self.views, self._look() if attempt else self.holding)
            if lacking:
                trouble = self._send(lacking)
                lacking = self._left() if trouble is None else lacking
            if not lacking:
                return
        raise trouble or self._did_not_arrive(lacking)

    def _send(self, lacking: Sequence[Need]) -> RampartError | None:
        """Send it; return why the runtime did not take it. What is wrong with the image itself is raised."""
        self.approve([need.view.image for need in lacking])
        self._check_room(lacking)
        try:
            self.runtime.receive(lacking, self.sent)
        except RampartError as error:
            if "rule" in error.details:
                raise
            if NO_SPACE in str(error).lower():
                raise self._full(lacking) from error
            return error
        return None

    def _left(self) -> list[Need]:
        """Return what is still lacking once the node had the time to see what came."""
        limit = self.clock() + SEEN_SECONDS
        while lacking := needs(self.views, self._look()):
            if any(one.parts for one in lacking) or self.clock() > limit:
                break
            self.pause(LOOK_SECONDS)
        return lacking

    def _look(self) -> Holding:
        limit = self.clock() + UP_SECONDS
        while True:
            try:
                return self.runtime.holding()
            except RampartError:
                if self.clock() > limit:
                    raise
            self.pause(LOOK_SECONDS)

    def _check_room(self, lacking: Sequence[Need]) -> None:
        if _needed(lacking) > self.runtime.free():
            raise self._full(lacking)

    def _full(self, lacking: Sequence[Need]) -> RampartError:
        needed, free = _needed(lacking), self.runtime.free()
        return RampartError(
            f"The disk of {self.node} is full: at least {needed} bytes are needed for "
            f"{', '.join(one.name for one in lacking)}, {free} are free. No name was moved.",
            next_step="make room on the node (crictl rmi --prune removes unused images), then run again",
            bytes_needed=needed,
            bytes_free=free,
        )

    def _did_not_arrive(self, lacking: Sequence[Need]) -> RampartError:
        return RampartError(
            f"{self.node} does not have {', '.join(one.name for one in lacking)} although the "
            "import ended well.",
            next_step="look into the log of its container runtime: something removes images or renames them",
        )


def _needed(lacking: Sequence[Need]) -> int:
    """Return what is needed at least: the content itself, and what it unpacks to, which is no less."""
    return 2 * sum(one.size for one in lacking)
