# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options by which modules reach etcd; doc_fragments/etcd.py words them for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Process, components, running
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint

ETCD = ArgumentSpec(
    {
        "endpoint": {"type": "str"},
        "ca_cert": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path", "no_log": False},
        "prefix": {"type": "str", "default": "/registry"},
    },
    required_together=(("client_cert", "client_key"),),
)


def endpoint_of(parameters: Mapping[str, Any], **more: Any) -> Endpoint:
    """Take from a module's parameters where etcd is and how to log in."""
    names = ("ca_cert", "client_cert", "client_key")
    return Endpoint(parameters["endpoint"] or "", *(parameters[name] for name in names), **more)


def api_server_of(cluster_root: str) -> Process:
    """Find the API server of a cluster on this machine."""
    found = components(cluster_root, running()).get("apiserver")
    if found is None:
        raise RampartError(
            f"No API server runs with a file below {cluster_root}.",
            next_step="start the cluster, or give the endpoint of its etcd",
        )
    return found
