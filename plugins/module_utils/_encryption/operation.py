# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Brings the EncryptionConfiguration of a machine to what was asked for, under a lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import document, etcd_files
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted, decide
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    Configuration,
    Entry,
    Key,
    from_data,
    new_key,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate

MODE = 0o600

# Stands in for a key while nothing is written yet: the real one is made when it is needed.
_UNMADE = Key("key made when the file is written", "A" * 43 + "=")


@dataclass(frozen=True, slots=True)
class _Observed:
    content: bytes | None
    mode: int
    configuration: Configuration | None


@dataclass(frozen=True, slots=True)
class _Step:
    """A plan and, when the file is to change, its new content."""

    plan: Plan
    content: bytes | None = None


class EncryptionConfig:
    """The operation behind the module encryption_config."""

    def __init__(self, path: str, wanted: Wanted, etcd_data_dir: str | None, redactor: Redactor) -> None:
        self._path = Path(path)
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
        with self._locked():
            for leftover in leftovers(self._path):
                # A killed run's half-written file holds a key, and nobody else writes now.
                leftover.unlink(missing_ok=True)
            step = self._step(self._make_key)
            if step.content is not None:
                write_atomic(self._path, step.content, mode=MODE)
            elif step.plan.changed:
                self._path.chmod(MODE)
            return step.plan

    def _make_key(self) -> Key:
        key = new_key(datetime.now(UTC).date(), ())
        self._redactor.add(*key.forms())
        return key

    def _step(self, make_key: Callable[[], Key]) -> _Step:
        # On their own first: what is refused in a new file is not to pass beside an existing entry.
        asked_for = Configuration((Entry(self._wanted.resources, (IDENTITY,)),))
        _refuse(render(asked_for), "The resources that were asked for are not valid", in_file=False)
        observed = self._observe()
        if observed.configuration is None:
            self._refuse_new_key_for_old_data()
        decision = decide(observed.configuration, self._wanted, make_key)
        reasons = [decision.reason]
        content = None
        if decision.changed:
            content = render(decision.configuration)
            _refuse(content, f"The options do not make a valid configuration for {self._path}", in_file=False)
        loose = observed.content is not None and observed.mode != MODE
        if loose:
            reasons.append(f"its mode was {observed.mode:04o}: others may have read its keys, rotate them")
        before: dict[str, Any] = {}
        if observed.configuration is not None:
            before = {"mode": f"{observed.mode:04o}", "resources": observed.configuration.shown()}
        plan = Plan(
            decision.changed or loose,
            "; ".join(reasons),
            before,
            {"mode": f"{MODE:04o}", "resources": decision.configuration.shown()},
            self._result(decision.configuration, created=observed.content is None),
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

    def _observe(self) -> _Observed:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return _Observed(None, 0, None)
        except OSError as error:
            raise RampartError(
                f"Could not read the encryption configuration {self._path}: {error.strerror}.",
                next_step="give the path of a regular file that this user may read; links are not followed",
                path=str(self._path),
            ) from error
        with os.fdopen(handle, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o7777
            content = stream.read(document.MAXIMUM_BYTES + 1)
        _refuse(content, f"The existing encryption configuration {self._path} is not valid")
        configuration = from_data(document.read(content).data)
        for key in configuration.all_keys():
            self._redactor.add(*key.forms())
        return _Observed(content, mode, configuration)

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

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self._path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise RampartError(
                f"Could not use the folder {folder}: {error.strerror}.",
                next_step="make it a writable folder, then run again",
                path=str(self._path),
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def render(configuration: Configuration) -> bytes:
    """Return the file's content."""
    text = yaml.safe_dump(configuration.as_data(), sort_keys=False, default_flow_style=False)
    head = "# Made by rampart.k8s. It holds keys: losing it loses the data, showing it shows the data.\n"
    return (head + text).encode()


def _refuse(content: bytes, what: str, *, in_file: bool = True) -> None:
    """Raise the first problem; a line is told only of a file that the person can open."""
    problems = validate(document.read(content))
    if problems:
        raise RampartError(
            f"{what}: {problems[0] if in_file else f'{problems[0].path}: {problems[0].reason}'}"
            + (f" (and {len(problems) - 1} more)." if problems[1:] else "."),
            next_step="correct what is named; the file was not touched",
            problems=[
                {"path": problem.path, "line": problem.line, "reason": problem.reason} for problem in problems
            ],
        )
