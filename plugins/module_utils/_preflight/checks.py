# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges a machine against what a driver needs: pure decisions, each failure with its next step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._preflight.machine import Machine, numbers

MINIMUM_CORE = "2.19.0"
MINIMUM_PYTHON = (3, 11)

# The distributions that the modules import, with the oldest version that has what they call.
# meta/ee-requirements.txt says the same to execution environments; a test compares them.
LIBRARIES = {
    "PyYAML": "5.1",
    "backports.zstd": "1.0",
    "cryptography": "42",
    "h2": "4.1",
    "license-expression": "30",
    "psycopg": "3.2",
    "psycopg-binary": "3.2",
    "urllib3": "2.0",
    "websocket-client": "1.6",
}
DRIVER_LIBRARIES = {
    "embedded": {"supervisor": "4.3.0"},
    "minikube": {},
    "existing": {},
}

# Without one of them the kubelet does not start.
CGROUP_CONTROLLERS = frozenset({"cpu", "cpuset", "memory", "pids"})
# The oldest kernel that Cilium supports.
CILIUM_KERNEL = (5, 10)


@dataclass(frozen=True, slots=True)
class Check:
    """One question with its answer."""

    name: str
    passed: bool
    found: str
    next_step: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the run is going to do here."""

    driver: str
    cni: str
    node: bool
    memory_mb: int
    disk_gb: int
    core: str


def libraries(driver: str) -> dict[str, str]:
    """Name the distributions that a driver needs with their oldest version."""
    return {**LIBRARIES, **DRIVER_LIBRARIES[driver]}


def _everywhere(machine: Machine, wanted: Wanted) -> Iterator[Check]:
    """Check what every driver needs."""
    yield Check(
        "ansible-core",
        numbers(wanted.core) >= numbers(MINIMUM_CORE),
        wanted.core,
        f"install ansible-core {MINIMUM_CORE} or newer (make setup does)",
    )
    yield Check(
        "python",
        machine.python[:2] >= MINIMUM_PYTHON,
        ".".join(map(str, machine.python)),
        "set ansible_python_interpreter to a Python 3.11 or newer; "
        '"{{ ansible_playbook_python }}" is the one that runs Ansible',
    )
    for name, oldest in libraries(wanted.driver).items():
        version = machine.libraries[name]
        yield Check(
            f"python library {name}",
            bool(version) and numbers(version) >= numbers(oldest),
            version or "not installed",
            f"install {name} {oldest} or newer for the interpreter that runs the modules (make setup does)",
        )


def _embedded(machine: Machine, wanted: Wanted) -> Iterator[Check]:
    """Check what a control plane and a node on this machine need."""
    yield Check(
        "root", machine.root, "root" if machine.root else "not root", "run as root (make site uses sudo)"
    )
    yield Check(
        "memory",
        machine.memory_mb >= wanted.memory_mb,
        f"{machine.memory_mb} MB",
        f"give the machine {wanted.memory_mb} MB, or lower preflight_memory_mb if you know better",
    )
    for folder, free in machine.free_gb.items():
        yield Check(
            f"free space for {folder}",
            free >= wanted.disk_gb,
            f"{free:.1f} GB",
            f"free {wanted.disk_gb} GB there, or move the folder; the kubelet evicts pods on a full disk",
        )
    if not wanted.node:
        return
    missing = CGROUP_CONTROLLERS - machine.cgroup_controllers
    yield Check(
        "cgroup controllers",
        not missing,
        f"missing: {', '.join(sorted(missing))}" if missing else "all there",
        "mount the cgroup file system with them (a systemd machine does)",
    )
    yield Check(
        "overlay file system",
        "overlay" in machine.filesystems,
        "there" if "overlay" in machine.filesystems else "missing",
        "use a kernel with overlayfs: containers are built from its layers",
    )
    if wanted.cni == "cilium":
        able = machine.kernel >= CILIUM_KERNEL and "bpf" in machine.filesystems
        yield Check(
            "kernel for Cilium",
            able,
            ".".join(map(str, machine.kernel)) + ("" if "bpf" in machine.filesystems else " without BPF"),
            "use a kernel 5.10 or newer with BPF; cluster_cni=bridge works on any, but enforces no policy",
        )


def judge(machine: Machine, wanted: Wanted, misspelt: dict[str, str]) -> list[Check]:
    """Answer every question; all of them, so that a person mends everything in one go."""
    checks = list(_everywhere(machine, wanted))
    if wanted.driver == "embedded":
        checks += _embedded(machine, wanted)
    for name, nearest in misspelt.items():
        meant = f"write {nearest}, if that is what you mean" if nearest else "remove it"
        checks.append(
            Check(
                f"variable {name}",
                False,
                "no role reads it",
                f"{meant}; if it belongs to something else, list it in preflight_foreign_variables",
            )
        )
    if not misspelt:
        checks.append(Check("variables", True, "every one is read by a role"))
    return checks
