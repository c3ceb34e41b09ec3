# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The libraries of others: loaded when first used, and missed with a sentence instead of a traceback.

A module must be importable on a machine that lacks them, or Ansible could not even show its
documentation; and a module that does not come to use one does not pay for it.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

__all__ = [
    "crypto_exceptions",
    "ed25519",
    "h2_config",
    "h2_connection",
    "h2_events",
    "license_expression",
    "psycopg",
    "serialization",
    "urllib3",
    "websocket",
    "yaml",
    "zstd",
]


class Library:
    """Stands for a library; each attribute is that of the real one."""

    def __init__(self, name: str, distribution: str) -> None:
        self._name = name
        self._distribution = distribution

    def __getattr__(self, attribute: str) -> Any:
        """Load the library and look there."""
        try:
            library = importlib.import_module(self._name)
        except ImportError as error:
            raise RampartError(
                f"{self._distribution} is not installed for {sys.executable}, which runs this module.",
                next_step="install it there, or set ansible_python_interpreter to a Python that has it "
                '("{{ ansible_playbook_python }}" is the one that runs Ansible)',
                library=self._distribution,
            ) from error
        return getattr(library, attribute)


if TYPE_CHECKING:
    import license_expression
    import psycopg
    import urllib3
    import websocket
    import yaml
    from backports import zstd
    from cryptography import exceptions as crypto_exceptions
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from h2 import config as h2_config
    from h2 import connection as h2_connection
    from h2 import events as h2_events
else:
    crypto_exceptions = Library("cryptography.exceptions", "cryptography")
    ed25519 = Library("cryptography.hazmat.primitives.asymmetric.ed25519", "cryptography")
    h2_config = Library("h2.config", "h2")
    h2_connection = Library("h2.connection", "h2")
    h2_events = Library("h2.events", "h2")
    license_expression = Library("license_expression", "license-expression")
    psycopg = Library("psycopg", "psycopg")
    serialization = Library("cryptography.hazmat.primitives.serialization", "cryptography")
    urllib3 = Library("urllib3", "urllib3")
    websocket = Library("websocket", "websocket-client")
    yaml = Library("yaml", "PyYAML")
    zstd = Library("backports.zstd", "backports.zstd")
