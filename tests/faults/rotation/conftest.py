# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server with controllers, and a kubelet's stand-in for each namespace of a test."""

from __future__ import annotations

import pytest

from tests.support.places import client, place, rig
from tests.support.rotating import Place, secret

__all__ = ["client", "place", "ready", "rig"]


@pytest.fixture
def ready(place: Place) -> Place:
    """Make a secret with two workloads that use it."""
    place.rotate(secret("db"))
    place.deploy("api", "db")
    place.deploy("web", "db")
    return place
