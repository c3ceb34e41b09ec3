# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that turn the definition of the environments into what the roles render."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy.environments import expand
from ansible_collections.rampart.k8s.plugins.module_utils._policy.grants import live


def _worded(function: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    try:
        return function()
    except RampartError as error:
        raise AnsibleFilterError(str(error)) from error


def environments(tiers: Any, common: dict[str, Any]) -> list[dict[str, Any]]:
    """Expand the definition."""
    return _worded(lambda: expand(tiers, common))


def live_grants(grants: list[dict[str, Any]], longest_hours: float) -> list[dict[str, Any]]:
    """Return the grants that have not ended."""
    now = datetime.now(UTC)
    return _worded(lambda: live(grants, now=now, longest=timedelta(hours=longest_hours)))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name them for Ansible."""
        return {"environments": environments, "live_grants": live_grants}
