# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that turns the definition of the admission policies into objects."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.rampart.k8s.plugins.module_utils._admission import rendering
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def admission_objects(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """Render everything that is enforced."""
    try:
        return rendering.everything(rendering.read(definition, datetime.now(UTC)))
    except RampartError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name them for Ansible."""
        return {"admission_objects": admission_objects}
