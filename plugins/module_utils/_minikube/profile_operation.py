# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Observes a minikube profile and does what was decided."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import profile
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import Minikube, docker


@dataclass(frozen=True, slots=True)
class CacheFile:
    """A file of this machine that minikube is to find in its cache instead of downloading it."""

    source: Path
    place: str


def _same(one: Path, other: Path) -> bool:
    """Whether the cache holds the file: the same one (a link), or a copy of its size and time."""
    try:
        left, right = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return left.st_size == right.st_size and left.st_mtime_ns == right.st_mtime_ns


def _fill(target: Path, source: Path) -> None:
    """Put a file into the cache whole or not at all; as a second name of the same file if that works."""
    temporary = target.with_name(f".rampart-{target.name}")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        try:
            os.link(os.path.realpath(source), temporary)
        except OSError:
            shutil.copy2(source, temporary)
        temporary.replace(target)
    except OSError as error:
        raise RampartError(
            f"Could not put {source} into minikube's cache as {target}: {error.strerror}.",
            next_step="free space or correct the path, then run again",
            path=str(target),
        ) from error


@dataclass(slots=True)
class ProfileOperation:
    """One profile in one of its states."""

    minikube: Minikube
    state: Literal["started", "stopped", "absent"]
    wanted: profile.Wanted
    cache: Sequence[CacheFile]
    offline: bool
    timeout: int
    progress: Progress
    _decision: profile.Decision = field(default=profile.Decision("none", ""))
    _missing: list[CacheFile] = field(default_factory=list)

    def plan(self) -> Plan:
        """Observe the profile, its node's files and the cache; nothing is written."""
        observed = self._observe()
        if self.state == "started":
            self._decision = profile.decide(self.wanted, observed)
            home = self.minikube.places.home
            self._missing = [
                item for item in self.cache if not _same(item.source, home / "cache" / item.place)
            ]
        else:
            self._decision = profile.decide_end(self.state, observed)
        reasons = [self._decision.reason]
        if self._missing:
            names = ", ".join(item.place for item in self._missing)
            reasons.append(f"minikube's cache lacks {names}")
        changed = self._decision.action != "none" or bool(self._missing)
        return Plan(
            changed=changed,
            reason="; ".join(reasons),
            before={"profile": self.wanted.name, "state": observed.state},
            after={
                "profile": self.wanted.name,
                "state": self._after(),
                "cached": [i.place for i in self._missing],
            },
            result={
                "profile": self.wanted.name,
                "action": self._decision.action,
                "state": observed.state,
                "kept": list(self._decision.kept),
                "kubeconfig": str(self.minikube.places.kubeconfig),
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Do it; a run that is killed leaves a profile that the next run sees as unfinished."""
        name, action = self.wanted.name, self._decision.action
        for item in self._missing:
            self.progress.say(f"caching {item.place}")
            _fill(self.minikube.places.home / "cache" / item.place, item.source)
        if action in ("replace", "delete"):
            self.progress.say(f"deleting the profile {name}")
            self.minikube.act("delete", name, ["delete", f"--profile={name}", "--output=json"], self.timeout)
        if action == "stop":
            self.progress.say(f"stopping the profile {name}")
            self.minikube.act("stop", name, ["stop", f"--profile={name}", "--output=json"], self.timeout)
        if action in ("start", "restart", "replace"):
            self._start()
        plan.result["state"] = self._observe().state
        return plan

    def _start(self) -> None:
        home = self.minikube.places.home
        self.progress.say(f"starting the profile {self.wanted.name}; its log is {home}/logs/lastStart.txt")
        # As root minikube refuses the Docker driver, and offline a version that it does not know;
        # --force is its own way to say that both are meant.
        force = self.offline or os.geteuid() == 0
        arguments = profile.start_arguments(self.wanted, self._decision, force=force, timeout=self.timeout)
        self.minikube.act("start", self.wanted.name, arguments, self.timeout + 60)

    def _after(self) -> str:
        return {"started": "running", "stopped": "stopped", "absent": "absent"}[self.state]

    def _observe(self) -> profile.Observed:
        if not self.minikube.installed or not self.minikube.places.home.is_dir():
            return profile.Observed("absent")
        there, config = self.minikube.configuration(self.wanted.name)
        if not there:
            return profile.Observed("absent")
        if config is None:
            return profile.Observed("broken")
        state = self.minikube.status(self.wanted.name)
        stale = self._stale_files() if state == "running" and self.state == "started" else ()
        return profile.Observed(state, config, stale)

    def _stale_files(self) -> tuple[str, ...]:
        """Compare the files that minikube copies into the node with those that are there."""
        root = self.minikube.places.home / "files"
        here = {
            f"/{path.relative_to(root)}": hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
        if not here:
            return ()
        client = docker(self.minikube.places.docker_host, self.minikube.places.home / "docker")
        # It ends with 1 when one of them is missing, which is an answer.
        done = client.run("exec", self.wanted.name, "sha256sum", "--", *here, accept=(0, 1))
        there: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            digest, _unused, path = line.partition("  ")
            there[path] = digest
        return tuple(path for path, digest in here.items() if there.get(path) != digest)
