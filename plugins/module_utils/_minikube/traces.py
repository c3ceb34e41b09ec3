# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a Docker daemon of a cluster's own leaves on the machine when it is gone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
DAEMON = "dockerd"

_CHAIN = re.compile(r":(DOCKER(?:-[A-Z0-9-]+)?) ")
_JUMP = re.compile(r"-A \S+ .*-j DOCKER(?:-[A-Z0-9-]+)?(?: |$)")
# docker names a network's bridge after the first twelve digits of its id.
_BRIDGE_RULE = re.compile(r"-A \S+ .*-[io] (br-[0-9a-f]{12})(?: |$)")


def rules_to_remove(saved: str, links: Iterable[str]) -> str:
    """Turn what `iptables-save` prints into what `iptables-restore --noflush` takes them out with.

    Only docker's own chains, the jumps into them, and rules of bridges that no longer exist go.
    """
    there = set(links)
    text = ""
    table: list[str] = []
    chains: list[str] = []
    for line in saved.splitlines():
        bridge = _BRIDGE_RULE.match(line)
        chain = _CHAIN.match(line)
        if line.startswith("*"):
            table, chains = [], []
            name = line
        elif chain:
            chains.append(chain.group(1))
        elif line.startswith("-A DOCKER"):
            continue
        elif _JUMP.match(line) or (bridge and bridge.group(1) not in there):
            table.append(f"-D{line[2:]}")
        elif line == "COMMIT" and (table or chains):
            # Emptied before any is deleted: they refer to each other.
            lines = [name, *table, *(f"-F {one}" for one in chains), *(f"-X {one}" for one in chains), line]
            text += "\n".join(lines) + "\n"
    return text


def mounts_below(folders: Sequence[Path], table: str) -> list[str]:
    """Return the mount points in folders, the deepest first; /proc/self/mounts writes spaces as octals."""
    points = [line.split()[1].encode().decode("unicode_escape") for line in table.splitlines() if line]
    inside = [point for point in points if any(point.startswith(f"{folder}/") for folder in folders)]
    return sorted(inside, key=len, reverse=True)


def daemons() -> int:
    """Count the Docker daemons of this machine; the chains are shared by all of them."""
    names = (path / "comm" for path in Path("/proc").iterdir() if path.name.isdigit())
    count = 0
    for name in names:
        try:
            count += name.read_text().strip() == DAEMON
        except OSError:
            continue
    return count


@dataclass(slots=True)
class Forwarding:
    """Turns the forwarding of packets on before the daemon does.

    A daemon that has to do it itself also sets the policy of the FORWARD chain to DROP, and every
    other cluster on the machine loses its network.
    """

    def plan(self) -> Plan:
        """Look at the kernel's setting."""
        on = FORWARDING.read_text().strip() == "1"
        return Plan(
            changed=not on,
            reason="the kernel forwards packets" if on else "the kernel does not forward packets yet",
            before={"net.ipv4.ip_forward": int(on)},
            after={"net.ipv4.ip_forward": 1},
        )

    def apply(self, plan: Plan) -> Plan:
        """Set it."""
        try:
            FORWARDING.write_text("1\n")
        except OSError as error:
            raise RampartError(
                f"Could not turn on the forwarding of packets: {error.strerror}.",
                next_step="run as root, or set net.ipv4.ip_forward to 1",
            ) from error
        return plan


@dataclass(slots=True)
class Removal:
    """Removes folders, what is mounted in them, and docker's packet rules when no daemon is left."""

    folders: Sequence[Path]
    _mounts: list[str] = field(default_factory=list)
    _rules: str = ""
    _present: list[Path] = field(default_factory=list)

    def plan(self) -> Plan:
        """Look for everything."""
        self._present = [folder for folder in self.folders if folder.exists()]
        self._mounts = mounts_below(self.folders, Path("/proc/self/mounts").read_text())
        # Where the folders are gone the rules are somebody else's.
        if self._present and not daemons() and shutil.which("iptables-save"):
            links = [path.name for path in Path("/sys/class/net").iterdir()]
            self._rules = rules_to_remove(Cli("iptables-save").run().stdout, links)
        found = [str(folder) for folder in self._present]
        found += ["docker's packet rules"] if self._rules else []
        return Plan(
            changed=bool(found or self._mounts),
            reason=f"still there: {', '.join(found or self._mounts)}"
            if found or self._mounts
            else "nothing is left",
            before={"found": found, "mounts": self._mounts},
            after={"found": [], "mounts": []},
        )

    def apply(self, plan: Plan) -> Plan:
        """Remove it, the folders last: they tell the next run that there is something to remove."""
        if self._rules:
            Cli("iptables-restore").run("--noflush", "--wait", "5", stdin=self._rules)
        for point in self._mounts:
            Cli("umount").run("--lazy", point, accept=(0, 1, 32))
        for folder in self._present:
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise RampartError(
                    f"Could not remove {folder}: {error.strerror} ({error.filename}).",
                    next_step="end what still uses it (`lsof +D` names it), then run again",
                    path=str(folder),
                ) from error
        return plan
