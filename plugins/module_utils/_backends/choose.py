# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which backend a declared secret has."""

from __future__ import annotations

from typing import Any, cast

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Backend, NoBackend
from ansible_collections.rampart.k8s.plugins.module_utils._backends.command import Command
from ansible_collections.rampart.k8s.plugins.module_utils._backends.http import HttpApi
from ansible_collections.rampart.k8s.plugins.module_utils._backends.key_list import KeyList
from ansible_collections.rampart.k8s.plugins.module_utils._backends.postgresql import Postgresql
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._backends.service_account import ServiceAccountToken
from ansible_collections.rampart.k8s.plugins.module_utils._core.failpoint import failpoint
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition

# What changes something at a backend.
ACTS = frozenset({"issue", "discard", "set", "expire", "revoke", "unset"})


class Marked:
    """A backend whose acts are places at which a test can end a run."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        """Return a method of the backend, between two places when it acts."""
        method = getattr(self._backend, name)
        if name not in ACTS:
            return method

        def marked(*arguments: Any) -> Any:
            failpoint(f"before backend {name}")
            done = method(*arguments)
            failpoint(f"after backend {name}")
            return done

        return marked


class Backends:
    """The backends of one namespace, each made once: what it found out it need not find out again."""

    def __init__(self, around: Surroundings, redactor: Redactor) -> None:
        self._around = around
        self._redactor = redactor
        self._made: dict[str, Backend] = {}

    def of(self, definition: Definition) -> Backend:
        """Return the backend of a secret."""
        if definition.name not in self._made:
            self._made[definition.name] = cast("Backend", Marked(self._make(definition)))
        return self._made[definition.name]

    def _make(self, definition: Definition) -> Backend:
        options = definition.backend_options
        match definition.backend:
            case "postgresql":
                return Postgresql(options, definition.strategy, self._around)
            case "http":
                return HttpApi(options, self._around, self._redactor)
            case "command":
                return Command(options, self._around, self._redactor)
            case "service_account":
                return ServiceAccountToken(options, self._around)
            case "key_list":
                return KeyList(options, self._around, Shell(self._around.client))
            case _:
                return NoBackend()
