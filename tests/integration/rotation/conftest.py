# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server with controllers, and a kubelet's stand-in for each namespace of a test."""

from __future__ import annotations

from tests.support.places import client, place, rig

__all__ = ["client", "place", "rig"]
