# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Shuts in a tool that reads what somebody else made: no network, no secrets, no settings, bounds."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# What any file that such a tool writes may become.
LARGEST_FILE = 8 * 1024**3

ISOLATED, NOT_ISOLATED = "network namespace", "none"


@dataclass(slots=True)
class Sandbox:
    """How far this machine lets tools be shut in; asked once."""

    memory_mb: int
    cores: int
    # Whether the tool has to reach something; it is shut in as far as the rest goes.
    online: bool = False
    _prefix: list[str] | None = field(default=None)
    network: str = ""

    def prefix(self) -> list[str]:
        """Return what the tool's command begins with."""
        if self._prefix is None:
            away = [] if self.online else self._without_network()
            self._prefix = [*away, *self._limits(), *self._with_us()]
        return self._prefix

    def _without_network(self) -> list[str]:
        unshare = shutil.which("unshare")
        if unshare:
            # As root a namespace is enough; others need one of users around it.
            for options in (["--net"], ["--user", "--map-current-user", "--net"]):
                if self._works([unshare, *options, "--", "true"]):
                    self.network = ISOLATED
                    return [unshare, *options, "--"]
        self.network = NOT_ISOLATED
        return []

    def _limits(self) -> list[str]:
        prlimit = shutil.which("prlimit")
        if not prlimit:
            return []
        # Data, not address space: Go and Haskell reserve far more addresses than they use.
        limits = [f"--data={self.memory_mb * 1024 * 1024}", f"--fsize={LARGEST_FILE}", "--core=0"]
        return [prlimit, *limits, "--"] if self._works([prlimit, *limits, "--", "true"]) else []

    def _with_us(self) -> list[str]:
        """A run that is killed takes its tools with it."""
        setpriv = shutil.which("setpriv")
        argv = [str(setpriv), "--pdeathsig=KILL", "--"]
        return argv if setpriv and self._works([*argv, "true"]) else []

    def _works(self, argv: list[str]) -> bool:
        try:
            return Cli(argv[0], timeout=10.0).run(*argv[1:], accept=range(256)).rc == 0
        except RampartError:
            return False

    def environment(self, home: Path) -> dict[str, str]:
        """Return what the tool sees of the world: settings and caches in an empty folder of its own."""
        return {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "TMPDIR": str(home),
            "PATH": os.environ.get("PATH", os.defpath),
            # A soft bound below the hard one, so that the collector works before the kernel does.
            "GOMEMLIMIT": f"{self.memory_mb * 8 // 10}MiB",
            "GOMAXPROCS": str(self.cores),
        }
