# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows what takes long while the module works."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.plugin_utils.progress import ProgressAction


class ActionModule(ProgressAction):
    """The action of the module rampart.k8s.helm_deploy."""
