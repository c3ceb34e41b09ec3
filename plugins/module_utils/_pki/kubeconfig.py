# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Renders a kubeconfig that holds all it needs."""

from __future__ import annotations

import base64
import json

from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import Kubeconfig


def _data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def render(wanted: Kubeconfig, authority: bytes, certificate: bytes, key: bytes) -> bytes:
    """Return the file. It is JSON, which every reader of YAML takes, so that no name needs care."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": wanted.cluster,
                "cluster": {"server": wanted.server, "certificate-authority-data": _data(authority)},
            }
        ],
        "users": [
            {
                "name": wanted.user,
                "user": {"client-certificate-data": _data(certificate), "client-key-data": _data(key)},
            }
        ],
        "contexts": [
            {"name": wanted.cluster, "context": {"cluster": wanted.cluster, "user": wanted.user}},
        ],
        "current-context": wanted.cluster,
    }
    return json.dumps(content, indent=2).encode() + b"\n"
