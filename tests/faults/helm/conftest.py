# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A control plane with real controllers, a kubelet that is played, and the two Helms."""

from __future__ import annotations

from tests.support.releases import arguments, client, kubelet, program, rig, space

__all__ = ["arguments", "client", "kubelet", "program", "rig", "space"]
