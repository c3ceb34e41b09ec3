# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs commands in the containers of one cluster."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import Executed, execute


class Shell:
    """The way into containers, as an object that a test can stand in for."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def run(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 30.0,
    ) -> Executed:
        """Run a command and wait for its end."""
        self._client.transport.count()
        return execute(
            self._client.credentials, namespace, pod, container, command, stdin=stdin, seconds=timeout
        )
