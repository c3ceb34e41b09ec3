# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls minikube_load for real containerds."""

from __future__ import annotations

from typing import Any

from tests.support.containerds import CTR, RealContainerd
from tests.support.modules import call

Nodes = tuple[RealContainerd, RealContainerd]


def load(
    nodes: list[RealContainerd], *images: dict[str, Any], check: bool = False, **more: Any
) -> dict[str, Any]:
    """Return the module's answer, a failed one too."""
    arguments = {"images": list(images), "sockets": [str(node.socket) for node in nodes], "ctr": str(CTR)}
    return call("minikube_load", {**arguments, **more}, check=check, diff=True)


def done(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer that is no failure."""
    assert not answer.get("failed"), answer["msg"]
    return answer
