# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks the census the way the API server itself talks to etcd: its arguments say where and how."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Process
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_operation import Question
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint


def question(api_server: Process) -> Question | None:
    """Return the census that an API server's arguments ask for, or nothing when it encrypts nothing."""
    servers, config = api_server.flag("etcd-servers"), api_server.flag("encryption-provider-config")
    if not servers or not config:
        return None
    endpoint = Endpoint(
        servers.split(",")[0],
        api_server.flag("etcd-cafile"),
        api_server.flag("etcd-certfile"),
        api_server.flag("etcd-keyfile"),
    )
    return Question(endpoint, api_server.flag("etcd-prefix") or "/registry", (), config)
