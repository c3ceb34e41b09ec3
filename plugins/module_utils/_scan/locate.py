# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds a subject, names exactly what was found, and brings it as the one archive that is judged."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import architecture
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers, TarMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import PackedImage, open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.repack import repack
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Fact, Kind
from ansible_collections.rampart.k8s.plugins.module_utils._scan.subjects import Subject

LARGEST_TEXT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Places:
    """Where images are asked for."""

    docker: str = "docker"
    docker_host: str = "unix:///var/run/docker.sock"
    ctr: str = "ctr"
    containerd_address: str = "/run/containerd/containerd.sock"
    containerd_namespace: str = "k8s.io"
    crane: str = "crane"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a subject is at a moment."""

    # Another one later is another image.
    pin: str = ""
    # The digest by which pods name the image; empty where it has none but its own.
    named: str = ""


class Finder:
    """Answers which image a name means now."""

    def __init__(self, places: Places, timeout: float) -> None:
        self._places = places
        environment = {"DOCKER_HOST": places.docker_host}
        self._docker = Cli(places.docker, environment=environment, timeout=timeout)
        self._ctr = Cli(places.ctr, timeout=timeout)
        self._crane = crane(places.crane, timeout=timeout)

    def seen(self, subject: Subject) -> Seen:
        """Name what the subject is now, without reading it."""
        if subject.source == "docker":
            return Seen(f"docker:{self._docker_id(subject.place)}")
        if subject.source == "containerd":
            digest = self._containerd_digest(subject.place)
            return Seen(f"containerd:{digest}", digest)
        if subject.source == "registry":
            digest = subject.place.partition("@")[2]
            return Seen(f"registry:{digest}", digest)
        if subject.source in ("sbom", "dockerfile"):
            return Seen(f"file:{digest_of(Path(subject.place))}")
        with self._opened(subject.source, Path(subject.place), subject.reference) as image:
            pin = f"{subject.source}:{image.members.identity()}:{subject.reference}"
            return Seen(pin, image.digest)

    @contextmanager
    def image(self, subject: Subject, work: Path) -> Iterator[PackedImage]:
        """Bring the image here if it is elsewhere, and open it."""
        if subject.source in ("archive", "layout"):
            with self._opened(subject.source, Path(subject.place), subject.reference) as image:
                yield image
            return
        # The person's own folder for temporary files may be small and in memory.
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=work) as folder:
            target = Path(folder, "image")
            if subject.source == "docker":
                # By its id: the name may already mean another image.
                self._docker.run("save", f"--output={target}", self._docker_id(subject.place))
            elif subject.source == "containerd":
                # Without --local ctr ends as soon as the daemon has sent all, while it is still writing.
                export = ("images", "export", "--local", *self._platform())
                self._ctr.run(*self._at(), *export, str(target), subject.place)
            else:
                self._crane.run("pull", "--format=oci", *self._platform(), subject.place, str(target))
            with self._opened("layout" if target.is_dir() else "archive", target, "") as image:
                yield image

    def export(self, subject: Subject, work: Path, target: Path) -> Fact:
        """Write the verified archive and return what is known of the image without a scanner."""
        with self.image(subject, work) as image:
            size = repack(image, target)
            return Fact(Kind.IMAGE, image.id, size, image.user)

    @contextmanager
    def _opened(self, source: str, path: Path, reference: str) -> Iterator[PackedImage]:
        choice = Choice(reference, platform=f"linux/{architecture()}")
        if source == "layout":
            yield open_image(FolderMembers(path), choice)
            return
        members = TarMembers(path)
        try:
            yield open_image(members, choice)
        finally:
            members.close()

    def _docker_id(self, reference: str) -> str:
        done = self._docker.run("image", "inspect", "--format={{.Id}}", reference, accept=range(256))
        found = done.stdout.strip()
        if done.rc != 0 or not found:
            said = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise RampartError(
                f"The daemon at {self._places.docker_host} has no image {reference}: {said}",
                next_step="build or load it there first; no registry was asked",
            )
        return found

    def _containerd_digest(self, reference: str) -> str:
        done = self._ctr.run(*self._at(), "images", "list", f"name=={reference}")
        rows = [line.split() for line in done.stdout.splitlines()[1:]]
        found = next((row[2] for row in rows if len(row) > 2 and row[0] == reference), "")
        if not found:
            raise RampartError(
                f"containerd at {self._places.containerd_address} has no image {reference} in "
                f"{self._places.containerd_namespace}.",
                next_step="load it there first, and name it in full; no registry was asked",
            )
        return found

    def _at(self) -> tuple[str, str]:
        return (
            f"--address={self._places.containerd_address}",
            f"--namespace={self._places.containerd_namespace}",
        )

    def _platform(self) -> tuple[str]:
        return (f"--platform=linux/{architecture()}",)


def read_text(path: Path) -> bytes:
    """Read a Dockerfile or a list of parts; it has a bound, and is a file."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise RampartError(
            f"Could not read {path}: {error.strerror}.", next_step="correct the path or its permissions"
        ) from error
    if len(content) > LARGEST_TEXT:
        raise RampartError(
            f"{path} has more than {LARGEST_TEXT} bytes.", next_step="check that it is the file you mean"
        )
    return content


def digest_of(path: Path) -> str:
    """Hash a text."""
    return f"sha256:{hashlib.sha256(read_text(path)).hexdigest()}"
