# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Opens the images that are to be loaded, where they lie."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted, registry_reference
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import (
    FolderMembers,
    Members,
    TarMembers,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import PackedImage, open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.registry_members import RegistryMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.streamed import StreamedMembers


class Sources:
    """Where images are read from. What is opened stays open: it is read again when it is sent."""

    def __init__(self, *, docker: str, docker_host: str, crane: Cli, timeout: float) -> None:
        environment = {"DOCKER_HOST": docker_host}
        self._docker_host = docker_host
        self._docker = Cli(docker, environment=environment, timeout=timeout)
        self._crane = crane

    def open(self, wanted: Wanted) -> PackedImage:
        """Read an image down to its configuration; no layer is read yet."""
        # What an archive of a daemon calls the image is the daemon's to know.
        choice = Choice(platform=wanted.choice.platform) if wanted.source == "docker" else wanted.choice
        return open_image(self._members(wanted), choice)

    def _members(self, wanted: Wanted) -> Members:
        if wanted.source == "layout":
            return FolderMembers(Path(wanted.place))
        if wanted.source == "archive":
            return TarMembers(Path(wanted.place))
        if wanted.source == "registry":
            return RegistryMembers(registry_reference(wanted.place), self._crane)
        identity = self._docker_id(wanted.place)
        place = f"{wanted.place} of the daemon at {self._docker_host}"
        # By its id: the name may mean another image by the time it is read again.
        return StreamedMembers(place, lambda: self._docker.stream("save", identity), identity)

    def _docker_id(self, name: str) -> str:
        done = self._docker.run("image", "inspect", "--format={{.Id}}", name, accept=range(256))
        found = done.stdout.strip()
        if done.rc != 0 or not found:
            said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise RampartError(
                f"The daemon at {self._docker_host} has no image {name}: {said}",
                next_step="build or load it there first; no registry was asked",
                image=name,
            )
        return found
