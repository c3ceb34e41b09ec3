# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Renders the configuration of one supervisord."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program

# sun_path holds 108 bytes with the closing zero; supervisord first binds a longer name beside it.
SOCKET_PATH_LIMIT = 108
SOCKET_SUFFIX_ROOM = len(".") + 10

# A cluster outlives an outage of what a program needs: it is tried again for days. The pause
# between two tries grows by a second each time.
START_RETRIES = 1000


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one supervisord keeps its things."""

    directory: Path

    @property
    def config(self) -> Path:
        return self.directory / "supervisord.conf"

    @property
    def socket(self) -> Path:
        return self.directory / "supervisor.sock"

    @property
    def pid(self) -> Path:
        return self.directory / "supervisord.pid"

    @property
    def log(self) -> Path:
        return self.directory / "supervisord.log"

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    def program_log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def check(self) -> None:
        """Refuse a directory whose socket the kernel could not name, or that a value cannot carry."""
        room = SOCKET_PATH_LIMIT - SOCKET_SUFFIX_ROOM - len(os.fsencode(self.socket))
        if room < 0:
            raise RampartError(
                f"The socket {self.socket} has a longer path than the kernel allows for sockets, "
                f"by {-room} bytes.",
                next_step="choose a directory with a shorter path",
                path=str(self.directory),
            )
        if not self.directory.is_absolute() or re.search(r"[\s,;#\"']", str(self.directory)):
            raise RampartError(
                f"{self.directory} is not an absolute path without spaces, quotes, ',', ';' and '#'.",
                next_step="choose another directory",
                path=str(self.directory),
            )


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of each log is kept."""

    max_bytes: int
    backups: int

    def settings(self) -> dict[str, object]:
        return {"log_max_bytes": self.max_bytes, "log_backups": self.backups}


def _literal(text: str) -> str:
    """supervisor expands '%'; everything here is meant as it stands."""
    return text.replace("%", "%%")


def quote_argument(argument: str) -> str:
    """Quote for a shell-like split, so that no ';' or '#' follows a space.

    supervisor's reader takes ' ;' and ' #' for the start of a comment, quoted or not. Closing and
    opening the quotes between the two means the same to the split and hides it from the reader.
    """
    return re.sub(r"(\s)(?=[;#])", r"\1''", shlex.quote(argument))


def _variable(name: str, value: str) -> str:
    quote = "'" if '"' in value else '"'
    return f"{name}={quote}{value}{quote}"


def _section(title: str, values: Mapping[str, object]) -> str:
    return "\n".join([f"[{title}]", *(f"{key} = {value}" for key, value in values.items()), ""])


def render_head(layout: Layout, limits: LogLimits) -> str:
    """Render what concerns supervisord itself; a change in it takes a new supervisord."""
    return "\n".join(
        [
            "; SPDX-License-Identifier: GPL-3.0-or-later",
            "; Written by rampart.k8s.supervised_programs; changes made by hand are undone.",
            _section("unix_http_server", {"file": _literal(str(layout.socket)), "chmod": "0600"}),
            _section(
                "supervisord",
                {
                    "logfile": _literal(str(layout.log)),
                    "logfile_maxbytes": limits.max_bytes,
                    "logfile_backups": limits.backups,
                    "pidfile": _literal(str(layout.pid)),
                    "childlogdir": _literal(str(layout.logs)),
                    "directory": "/",
                    # The logs are made by supervisord itself and are its owner's only.
                    "umask": "077",
                    "user": pwd.getpwuid(os.geteuid()).pw_name,
                },
            ),
            _section(
                "rpcinterface:supervisor",
                {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
            ),
        ]
    )


def head_fingerprint(layout: Layout, limits: LogLimits) -> str:
    """Return the mark by which a running supervisord is known to have this head."""
    return hashlib.sha256(render_head(layout, limits).encode()).hexdigest()[:16]


def _render_program(program: Program, marks: Mapping[str, str], layout: Layout, limits: LogLimits) -> str:
    variables = {**program.environment, **marks}
    return _section(
        f"program:{program.name}",
        {
            "command": _literal(" ".join(quote_argument(argument) for argument in program.argv)),
            "environment": _literal(",".join(_variable(*pair) for pair in sorted(variables.items()))),
            "directory": "/",
            # Programs make files for others as well; a tighter umask breaks container runtimes.
            "umask": "022",
            "priority": program.priority,
            # What waits for others is started by the run, once they listen.
            "autostart": str(program.autostart and not program.after).lower(),
            **({"user": program.user} if program.user else {}),
            "autorestart": "true",
            "startsecs": program.start_seconds,
            "startretries": START_RETRIES,
            "stopsignal": program.stop_signal,
            "stopwaitsecs": program.stop_seconds,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": _literal(str(layout.program_log(program.name))),
            "stdout_logfile_maxbytes": limits.max_bytes,
            "stdout_logfile_backups": limits.backups,
        },
    )


def render(
    layout: Layout,
    limits: LogLimits,
    programs: Sequence[Program],
    fingerprints: Mapping[str, Mapping[str, str]],
) -> str:
    """Render the whole file."""
    sections = [
        _render_program(program, program.marks(layout.directory, fingerprints[program.name]), layout, limits)
        for program in sorted(programs, key=lambda item: (item.priority, item.name))
    ]
    return "\n".join([render_head(layout, limits), *sections])
