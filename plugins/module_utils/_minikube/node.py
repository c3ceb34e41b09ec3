# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reaches into the node of a profile: its images and its files, through the daemon that holds it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import docker

# The containers of Kubernetes are in this one; others of containerd are not seen by the kubelet.
NAMESPACE = "k8s.io"


def image_ids(answer: Any) -> dict[str, str]:
    """Read `crictl images --output=json`: the id of every image by each of its names."""
    return {
        name: str(image["id"]) for image in answer.get("images") or [] for name in image.get("repoTags") or []
    }


@dataclass(frozen=True, slots=True)
class Node:
    """The only node of a profile."""

    name: str
    docker_host: str
    config: Path
    timeout: float = 300.0

    def runs(self) -> bool:
        """Whether there is a node to reach into; without a daemon there is none."""
        with contextlib.suppress(RampartError):
            client = docker(self.docker_host, self.config)
            done = client.run("inspect", "--format={{.State.Running}}", self.name, accept=(0, 1))
            return done.rc == 0 and done.stdout.strip() == "true"
        return False

    def images(self) -> dict[str, str]:
        """Return the ids of the images that the kubelet can use."""
        client = docker(self.docker_host, self.config)
        return image_ids(client.run("exec", self.name, "crictl", "images", "--output=json").json())

    def load(self, archive: Path) -> None:
        """Stream an archive into containerd; nothing of it is kept in the node's file system."""
        client = docker(self.docker_host, self.config, timeout=self.timeout)
        arguments = ("ctr", f"--namespace={NAMESPACE}", "images", "import", "-")
        try:
            with archive.open("rb") as stream:
                client.run("exec", "--interactive", self.name, *arguments, stdin=stream)
        except OSError as error:
            raise RampartError(
                f"Could not read the archive {archive}: {error.strerror}.",
                next_step="make it (rampart.k8s.image_assemble does), or correct its path",
                path=str(archive),
            ) from error

    def read(self, path: str) -> str | None:
        """Return the text of a file in the node; None when there is none."""
        client = docker(self.docker_host, self.config)
        done = client.run("exec", self.name, "cat", "--", path, accept=(0, 1))
        return done.stdout if done.rc == 0 else None
