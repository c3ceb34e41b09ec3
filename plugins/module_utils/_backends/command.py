# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A program that knows how to rotate a credential: it is asked on standard input and answers in JSON.

It gets ``{"protocol": 1, "operation": ..., "rotation": {"id": ...}, "secret": {"namespace": ...,
"name": ...}, "old": {...}, "new": {...}, "admin": {...}}`` and answers ``{}``, ``{"data": {...}}`` (issue)
or ``{"in_use": [...]}`` (usage). Operations: check, issue, set, test, usage, revoke, unset. Any exit code
but 0 is a refusal; the first line of its standard error says why. A value that is no text comes as
``{"base64": ...}``.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backends.base import Content, Turn, Unremarkable
from ansible_collections.rampart.k8s.plugins.module_utils._backends.reach import Surroundings
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

PROTOCOL = 1


def packed(content: Content | None) -> dict[str, Any] | None:
    """Return content as it travels."""
    if content is None:
        return None
    made: dict[str, Any] = {}
    for key, value in content.items():
        try:
            made[key] = value.decode()
        except UnicodeDecodeError:
            made[key] = {"base64": base64.b64encode(value).decode("ascii")}
    return made


def unpacked(data: Any) -> dict[str, bytes]:
    """Read content as it travels."""
    made = {}
    for key, value in data.items():
        made[str(key)] = base64.b64decode(value["base64"]) if isinstance(value, Mapping) else value.encode()
    return made


@dataclass(slots=True)
class Command(Unremarkable):
    """One program, for the credential of one secret."""

    options: Mapping[str, Any]
    around: Surroundings
    redactor: Redactor

    def check(self, turn: Turn) -> None:
        """Have it use the old credential."""
        self._ask("check", turn)

    def issue(self, turn: Turn) -> Content:
        """Have it make what is not made here; asked again in one rotation, it gives the same."""
        found = self._ask("issue", turn).get("data") or {}
        try:
            made = unpacked(found)
        except (AttributeError, KeyError, TypeError, binascii.Error):
            raise self._unreadable("issue", turn) from None
        self.redactor.add(*made.values())
        return made

    def set(self, turn: Turn) -> None:
        """Have it make the new credential valid."""
        self._ask("set", turn)

    def test(self, turn: Turn) -> None:
        """Have it use the new credential."""
        self._ask("test", turn)

    def usage(self, turn: Turn) -> list[str]:
        """Ask it who uses the old one."""
        found = self._ask("usage", turn).get("in_use") or []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._unreadable("usage", turn)
        return found

    def expire(self, turn: Turn, until: datetime.datetime) -> None:
        """Know of no such thing: it is revoked when the time is over."""

    def revoke(self, turn: Turn) -> None:
        """Have it refuse the old one."""
        self._ask("revoke", turn)

    def unset(self, turn: Turn) -> None:
        """Have it be as before."""
        self._ask("unset", turn)

    def by_hand(self, turn: Turn) -> list[str]:
        """Name the program; what it is asked holds secrets."""
        return [f"# have {self.options['argv'][0]} unset the new credential of {turn}"]

    def _unreadable(self, operation: str, turn: Turn) -> RampartError:
        return RampartError(
            f"{self.options['argv'][0]} answered {operation} for Secret {turn} with something else than the "
            "protocol says.",
            next_step="correct the program; what it answered is not shown, it may hold a secret",
        )

    def _ask(self, operation: str, turn: Turn) -> Mapping[str, Any]:
        admin = self.around.admin(self.options)
        self.redactor.add(*admin.values())
        question = {
            "protocol": PROTOCOL,
            "operation": operation,
            "rotation": {"id": turn.rotation, "is_incident": turn.is_incident},
            "secret": {"namespace": turn.namespace, "name": turn.name},
            "old": packed(turn.old),
            "new": packed(turn.new),
            "admin": packed(admin),
        }
        program, *arguments = self.options["argv"]
        done = Cli(program, redactor=self.redactor, timeout=self.options["timeout"]).run(
            *arguments, stdin=json.dumps(question), accept=range(256)
        )
        if done.rc != 0:
            said = self.redactor.text(done.stderr.strip().partition("\n")[0][:500])
            raise RampartError(
                f"{program} refused {operation} for Secret {turn} with code {done.rc}: "
                f"{said or 'it did not say why'}.",
                next_step="settle what it names and run again",
            )
        try:
            answer = json.loads(done.stdout or "{}")
        except ValueError:
            raise self._unreadable(operation, turn) from None
        if not isinstance(answer, Mapping):
            raise self._unreadable(operation, turn)
        return answer
