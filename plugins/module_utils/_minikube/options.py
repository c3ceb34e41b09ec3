# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that lead to the node of a profile; doc_fragments/minikube_node.py words them for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node

NODE = ArgumentSpec(
    {
        "profile": {"type": "str", "required": True},
        "docker_host": {"type": "str", "required": True},
        "home": {"type": "path", "required": True},
    }
)


def node_of(parameters: Mapping[str, Any], **more: Any) -> Node:
    """Return the node that the options name."""
    home = Path(parameters["home"])
    return Node(parameters["profile"], parameters["docker_host"], home / "docker", **more)
