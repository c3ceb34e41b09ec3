# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One supervised program: what is wanted of it, and the marks by which its process is known again.

Every process carries in its environment where it belongs, how it is stopped and a fingerprint of
all it was started with. What has to restart is read from the processes themselves, so that it is
right after a run was killed at any point, and check mode can tell it without writing anything.
"""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

MARK_PROGRAM = "RAMPART_PROGRAM"
MARK_EXECUTABLE = "RAMPART_EXECUTABLE"
MARK_STOP = "RAMPART_STOP"
MARK_FINGERPRINT = "RAMPART_FINGERPRINT"
MARKS = (MARK_PROGRAM, MARK_EXECUTABLE, MARK_STOP, MARK_FINGERPRINT)

DEFINITION = "definition"
HASH_LENGTH = 16
NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")
ENDPOINT = re.compile(r"https://[A-Za-z0-9.-]+:[0-9]{1,5}|/[^\s]+")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Program:
    """One program as it should run."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    reads: tuple[Path, ...] = ()
    priority: int = 500
    start_seconds: int = 1
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    autostart: bool = True
    # Where others have to answer before it is started: https://host:port, or the path of a socket.
    after: tuple[str, ...] = ()
    # Where it answers itself once it is up; empty when running is all that can be said of it.
    answers: str = ""
    # Whom it runs as, and the folders that are his alone; empty is whoever runs supervisord.
    user: str = ""
    owns: tuple[Path, ...] = ()

    def definition(self, settings: Mapping[str, object]) -> str:
        """Hash everything but the files: a change in any of it takes a restart to come true."""
        parts: dict[str, object] = {
            "argv": self.argv,
            "environment": dict(self.environment),
            "priority": self.priority,
            "start_seconds": self.start_seconds,
            "stop": (self.stop_signal, self.stop_seconds),
            "autostart": self.autostart,
            "settings": dict(settings),
        }
        if self.user:
            parts["user"] = self.user
        return _hash(json.dumps(parts, sort_keys=True).encode())

    def fingerprint(self, settings: Mapping[str, object]) -> dict[str, str]:
        """Hash the definition and each file that the program reads.

        Plain hashes do here: they stand only where the files themselves can be read as well, in a
        0600 file and in the environment of a process of the same user; no result shows them.
        """
        prints = {DEFINITION: self.definition(settings)}
        for path in self.reads:
            try:
                prints[str(path)] = _hash(path.read_bytes())
            except FileNotFoundError:
                # In check mode on an empty machine it is yet to be written; a real run refuses.
                prints[str(path)] = "absent"
            except OSError as error:
                raise RampartError(
                    f"Could not read {path}, which the program {self.name} reads: {error.strerror}.",
                    next_step="correct the path or its permissions",
                    program=self.name,
                    path=str(path),
                ) from error
        return prints

    def marks(self, directory: Path, fingerprint: Mapping[str, str]) -> dict[str, str]:
        """Return what the process carries in its environment."""
        return {
            MARK_PROGRAM: f"{directory}/{self.name}",
            MARK_EXECUTABLE: self.argv[0],
            MARK_STOP: f"{self.priority} {self.stop_signal} {self.stop_seconds}",
            MARK_FINGERPRINT: ",".join(f"{name}={value}" for name, value in fingerprint.items()),
        }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:HASH_LENGTH]


def parse_fingerprint(text: str) -> dict[str, str]:
    """Read a fingerprint back from a process."""
    pairs = (entry.rpartition("=") for entry in text.split(",") if entry)
    return {name: value for name, _unused, value in pairs}


def differences(wanted: Mapping[str, str], running: Mapping[str, str]) -> list[str]:
    """Name what a running process was started with that is not so any more."""
    reasons = []
    if wanted[DEFINITION] != running.get(DEFINITION):
        reasons.append("its definition changed")
    for path in sorted((wanted.keys() | running.keys()) - {DEFINITION}):
        if path not in wanted:
            reasons.append(f"it no longer reads {path}")
        elif wanted[path] != running.get(path):
            reasons.append(f"{path}, which it reads, changed")
    return reasons


def _refuse(program: str, what: str, next_step: str) -> RampartError:
    return RampartError(f"The program {program} {what}.", next_step=next_step, program=program)


def _check_environment(program: Program) -> None:
    for name, value in program.environment.items():
        if not VARIABLE.fullmatch(name) or name in MARKS:
            raise _refuse(program.name, f"has the variable {name!r}", "choose another name for it")
        # supervisor knows no escapes in environment values; what it would change is refused.
        quotes = {'"', "'"}
        unfit = (
            re.search(r"[\n\r\0]|\s[;#]", value)
            or quotes <= set(value)
            or value[:1] in quotes
            or value[-1:] in quotes
        )
        if unfit:
            raise _refuse(
                program.name,
                f"has a value for {name} that supervisor cannot carry (line breaks, ' #', ' ;', both "
                "kinds of quotes, or quotes at an end)",
                "put the value into a file that the program reads",
            )


def check(program: Program) -> None:
    """Refuse what supervisor could not run as it is meant."""
    if not NAME.fullmatch(program.name):
        raise _refuse(
            program.name, "has an unfit name", "use lower-case letters, digits, '.', '_' and '-' only"
        )
    if not program.argv or not program.argv[0].startswith("/"):
        raise _refuse(
            program.name, "has no absolute path as its first argument", "give the executable's whole path"
        )
    if any(re.search(r"[\n\r\0]", argument) for argument in program.argv):
        raise _refuse(program.name, "has an argument with a line break", "put it into a configuration file")
    for path in program.reads:
        if not path.is_absolute() or re.search(r"[\s,\"']", str(path)):
            raise _refuse(
                program.name,
                f"reads {path}, which is not an absolute path without spaces, commas and quotes",
                "give the whole path, or rename the file",
            )
    for place in (*program.after, *filter(None, [program.answers])):
        if not ENDPOINT.fullmatch(place):
            raise _refuse(
                program.name,
                f"names {place!r}, which is neither https://host:port nor the absolute path of a socket",
                "correct it",
            )
    if program.owns and not program.user:
        raise _refuse(program.name, "owns folders but has no user", "give the user, or no folders")
    if program.user and not USER.fullmatch(program.user):
        raise _refuse(program.name, f"has the unfit user {program.user!r}", "give the name of a user")
    if f"SIG{program.stop_signal}" not in signal.Signals.__members__:
        raise _refuse(program.name, f"has the unknown stop signal {program.stop_signal}", "use TERM or INT")
    _check_environment(program)
