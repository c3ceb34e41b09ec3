# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options by which every module finds its cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

# The names and defaults stand a second time, for people, in doc_fragments/kubernetes.py; a unit
# test keeps both equal.
CONNECTION = ArgumentSpec(
    {
        "kubeconfig": {"type": "path"},
        "context": {"type": "str"},
        "expect_cluster_uid": {"type": "str"},
        "allow_exec_plugins": {"type": "bool", "default": True},
        "request_timeout": {"type": "int", "default": 30},
        "api_timeout": {"type": "int", "default": 300},
    }
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Which cluster is meant, and how long it may take to answer."""

    kubeconfig: str
    context: str | None = None
    expect_cluster_uid: str | None = None
    allow_exec_plugins: bool = True
    request_timeout: float = 30.0
    api_timeout: float = 300.0
    # One server of several, instead of the address in the kubeconfig.
    server: str | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Connection:
        """Take the connection from a module's parameters; without a kubeconfig, look where kubectl looks."""
        return cls(
            kubeconfig=parameters["kubeconfig"] or os.environ.get("KUBECONFIG") or "~/.kube/config",
            context=parameters["context"],
            expect_cluster_uid=parameters["expect_cluster_uid"],
            allow_exec_plugins=parameters["allow_exec_plugins"],
            request_timeout=parameters["request_timeout"],
            api_timeout=parameters["api_timeout"],
        )
