# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that lead to a registry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import Address, parse_address
from ansible_collections.rampart.k8s.plugins.module_utils._registry.credentials import Credentials


def address_of(parameters: Mapping[str, Any], redactor: Redactor) -> Address:
    """Return where the registry is, whom to trust there, and as whom to speak."""
    config = parameters["docker_config"]
    credentials = Credentials(Path(config) if config else None, redactor)
    return parse_address(parameters["registry_url"], parameters["registry_ca"], credentials)
