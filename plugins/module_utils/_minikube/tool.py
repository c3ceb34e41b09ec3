# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Calls minikube and docker with an environment of their own, so that nothing of the user's is touched."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, Completed, proxies
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import answers

# Asking takes a fraction of a second; a daemon that hangs is not waited for.
QUESTION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where the tools and their state are."""

    binary: Path
    home: Path
    kubeconfig: Path
    docker_host: str

    def environment(self) -> dict[str, str]:
        """Return what minikube and docker are called with."""
        return {
            **proxies(),
            "MINIKUBE_HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "DOCKER_HOST": self.docker_host,
            # Contexts and credential helpers of the user are neither read nor changed.
            "DOCKER_CONFIG": str(self.home / "docker"),
            "MINIKUBE_WANTUPDATENOTIFICATION": "false",
            "MINIKUBE_IN_STYLE": "false",
        }


def docker(host: str, config: Path, *, program: str = "docker", timeout: float = QUESTION_SECONDS) -> Cli:
    """Return the docker client for one daemon."""
    environment = {"DOCKER_HOST": host, "DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "0"}
    return Cli(program, environment=environment, timeout=timeout)


def answers_at(host: str, config: Path) -> bool:
    """Whether a daemon answers there; a missing client is no answer either."""
    with contextlib.suppress(RampartError):
        done = docker(host, config).run("version", "--format", "{{.Server.Version}}", accept=(0, 1))
        return done.rc == 0 and bool(done.stdout.strip())
    return False


class Minikube:
    """minikube for one home."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._cli = Cli(str(places.binary), environment=places.environment(), timeout=QUESTION_SECONDS)

    @property
    def installed(self) -> bool:
        return self.places.binary.is_file()

    def version(self) -> str:
        """Ask for the version, without its v. Any call makes the home, so this one gets another."""
        with tempfile.TemporaryDirectory(prefix="rampart-minikube-") as home:
            environment = {**self.places.environment(), "MINIKUBE_HOME": home}
            return Cli(str(self.places.binary), environment=environment).version("version", "--short")

    def status(self, profile: str) -> answers.State:
        """Ask how the node of a profile is; every exit code has an answer."""
        done = self._cli.run("status", f"--profile={profile}", "--output=json", accept=range(256))
        return answers.status(done)

    def configuration(self, profile: str) -> tuple[bool, dict[str, Any] | None]:
        """Read a profile's settings without asking its node."""
        done = self._cli.run("profile", "list", "--light", "--output=json")
        return answers.configuration(done, profile)

    def act(self, action: str, profile: str, arguments: list[str], timeout: float) -> Completed:
        """Run a command that changes something; its failure is told in minikube's own words."""
        done = self._cli.run(*arguments, accept=range(256), timeout=timeout)
        if done.rc != 0:
            raise answers.failure(action, profile, done, self._log(profile))
        return done

    def _log(self, profile: str) -> str:
        """Collect what the node says, and what minikube wrote down of its last start."""
        text = ""
        with contextlib.suppress(OSError):
            text = (self.places.home / "logs" / "lastStart.txt").read_text(encoding="utf-8", errors="replace")
        with contextlib.suppress(RampartError):
            done = self._cli.run("logs", f"--profile={profile}", "--length=15", accept=range(256))
            text += done.stdout
        return text
