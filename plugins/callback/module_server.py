# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a run import what its modules need once, and not for every task."""

from __future__ import annotations

DOCUMENTATION = r"""
name: module_server
type: aggregate
short_description: Start the collection's modules by a fork of one Python
version_added: 0.1.0
description:
  - A module that finds nothing to do takes most of its time to start Python and to import. With this, a
    run starts one Python that imports, and each task's module is a fork of it.
  - Nothing else is different. A module still is a process and a session of its own, with the environment,
    the folder and the streams that Ansible gives to it, and ends when Ansible ends it.
  - It serves modules of this collection on the machine that runs Ansible, as its user, with pipelining.
    All others are started as ever, and so are these where it cannot run.
author:
  - rampart.k8s contributors (@rampart-k8s)
requirements:
  - To be listed in C(callbacks_enabled) of the Ansible configuration.
"""

import subprocess
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible_collections.rampart.k8s.plugins.plugin_utils import direct


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Starts the server with the run and ends it with the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "rampart.k8s.module_server"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._server: subprocess.Popen[bytes] | None = None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Start it before the first task is forked."""
        del playbook
        self._server = direct.start_server(Path(constants.DEFAULT_LOCAL_TMP) / "modules")

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """End it; a run that is killed ends it as well, by what only the run holds open."""
        del stats
        if self._server and self._server.stdin:
            self._server.stdin.close()
            self._server.wait()
