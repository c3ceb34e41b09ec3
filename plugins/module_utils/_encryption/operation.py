# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the EncryptionConfiguration of a machine to what was asked for, under a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import etcd_files
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import (
    MODE,
    ConfigFile,
    refuse,
    render,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted, decide
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    Configuration,
    Entry,
    Key,
    new_key,
)

# Stands in for a key while nothing is written yet: the real one is made when it is needed.
_UNMADE = Key("key made when the file is written", "A" * 43 + "=")


@dataclass(frozen=True, slots=True)
class _Step:
    """A plan and, when the file is to change, its new content."""

    plan: Plan
    content: bytes | None = None


class EncryptionConfig:
    """The operation behind the module encryption_config."""

    def __init__(self, path: str, wanted: Wanted, etcd_data_dir: str | None, redactor: Redactor) -> None:
        self._path = Path(path)
        self._file = ConfigFile(self._path, redactor)
        self._wanted = wanted
        self._etcd_data_dir = etcd_data_dir
        self._redactor = redactor

    def plan(self) -> Plan:
        """Read the file, refuse a broken one, and decide. No key is made."""
        return self._step(lambda: _UNMADE).plan

    def apply(self, _plan: Plan) -> Plan:
        """Decide again while no other run can write, then write.

        Two first runs at the same time would otherwise both make a key, and the second would
        overwrite the one that the API server may already use.
        """
        with self._file.only_writer():
            step = self._step(self._make_key)
            if step.content is not None:
                self._file.write(step.content)
            elif step.plan.changed:
                self._path.chmod(MODE)
            return step.plan

    def _make_key(self) -> Key:
        key = new_key(datetime.now(UTC), ())
        self._redactor.add(*key.forms())
        return key

    def _step(self, make_key: Callable[[], Key]) -> _Step:
        # On their own first: what is refused in a new file is not to pass beside an existing entry.
        asked_for = Configuration((Entry(self._wanted.resources, (IDENTITY,)),))
        refuse(render(asked_for), "The resources that were asked for are not valid", in_file=False)
        seen = self._file.read()
        if seen is None:
            self._refuse_new_key_for_old_data()
        decision = decide(seen.configuration if seen else None, self._wanted, make_key)
        reasons = [decision.reason]
        content = None
        if decision.changed:
            content = render(decision.configuration)
            refuse(content, f"The options do not make a valid configuration for {self._path}", in_file=False)
        loose = seen is not None and seen.mode != MODE
        before: dict[str, Any] = {}
        if seen is not None:
            before = {"mode": f"{seen.mode:04o}", "resources": seen.configuration.shown()}
            if loose:
                reasons.append(f"its mode was {seen.mode:04o}: others may have read its keys, rotate them")
        plan = Plan(
            decision.changed or loose,
            "; ".join(reasons),
            before,
            {"mode": f"{MODE:04o}", "resources": decision.configuration.shown()},
            self._result(decision.configuration, created=seen is None),
        )
        return _Step(plan, content)

    def _result(self, configuration: Configuration, *, created: bool) -> dict[str, Any]:
        open_entries = [entry for entry in configuration.entries if entry.reads_plaintext]
        return {
            "path": str(self._path),
            "created": created,
            "entries": configuration.shown(),
            "plaintext_readable": sorted({name for entry in open_entries for name in entry.resources}),
        }

    def _refuse_new_key_for_old_data(self) -> None:
        """A new key beside data of an old one turns a lost file into lost data."""
        if not self._etcd_data_dir:
            return
        stored = etcd_files.inspect(self._etcd_data_dir)
        if stored.keys:
            named = ", ".join(sorted(stored.keys))
            raise RampartError(
                f"{self._path} does not exist, but the etcd data in {self._etcd_data_dir} was written with "
                f"{named}. A new key could not read it.",
                next_step="restore the file from its backup, or reset the cluster when its data may be lost",
                stored_keys=sorted(stored.keys),
            )
        if stored.objects and not self._wanted.allow_plaintext_read:
            raise RampartError(
                f"{self._path} does not exist, and the etcd data in {self._etcd_data_dir} holds objects in "
                "plain text. Without a last provider identity the API server could not read them.",
                next_step="set allow_plaintext_read to true, rewrite the objects, then rotate",
            )
