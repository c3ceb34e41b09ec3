# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the modules of this collection; meta/runtime.yml leads them all here.

It bears the name of one of them, since an action plugin has no documentation but a module's.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.rampart.k8s.plugins.plugin_utils.direct import DirectAction


class ActionModule(DirectAction, NormalAction):  # type: ignore[misc]
    """What Ansible does for every module, from where the collection is installed."""
