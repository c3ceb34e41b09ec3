# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds the nodes that images are brought to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._load.containerd import Containerd
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import ThisMachine
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import Runtime

# Asking takes a fraction of a second; a runtime that hangs is not waited for.
QUESTION_SECONDS = 30.0


def of_sockets(parameters: Mapping[str, Any]) -> list[Runtime]:
    """Return containerds on this machine."""
    return [
        Containerd(
            ThisMachine(socket, QUESTION_SECONDS),
            ctr=parameters["ctr"],
            address=socket,
            namespace=parameters["namespace"],
            timeout=parameters["timeout"],
        )
        for socket in dict.fromkeys(parameters["sockets"])
    ]
