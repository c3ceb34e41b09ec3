# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an image is made of, and the key that follows from it: the same parts give the same key."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

LABEL = "rampart.key"
KEY_LENGTH = 16
CHUNK = 1 << 20

# What debootstrap takes for a name of a package; it is passed on as one argument.
PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True, slots=True)
class Base:
    """A Debian with the packages that the images share."""

    repository: str
    suite: str
    mirror: str
    packages: tuple[str, ...]
    architecture: str

    @property
    def key(self) -> str:
        return _digest([self.suite, self.mirror, sorted(self.packages), self.architecture])

    @property
    def reference(self) -> str:
        return f"{self.repository}:{self.key[:KEY_LENGTH]}"


@dataclass(frozen=True, slots=True)
class Build:
    """One image that is built on the base; with an archive it is saved there and not kept."""

    image: str
    dockerfile: Path
    context: Mapping[str, Path]
    arguments: Mapping[str, str] = field(default_factory=dict)
    archive: Path | None = None

    def key(self, base: Base, *, may_lack: bool = False) -> str:
        """Hash everything that goes into the image; with ``may_lack`` a missing file counts as coming."""
        parts = [
            (path, "" if may_lack and not source.exists() else file_digest(source))
            for path, source in sorted(self.context.items())
        ]
        return _digest([base.key, file_digest(self.dockerfile), parts, sorted(self.arguments.items())])

    def reference(self, key: str) -> str:
        """Return the name to build it under: an archive's is given, another's tag is the key."""
        return self.image if self.archive else f"{self.image}:{key[:KEY_LENGTH]}"


def _digest(parts: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Hash one file."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                digest.update(piece)
    except OSError as error:
        raise RampartError(
            f"Could not read {path}, a part of minikube's node image: {error.strerror}.",
            next_step="let the role rampart.k8s.tools install what is missing (etcd, kubernetes, containerd, "
            "crictl, cni-plugins, minikube), or correct the path",
            path=str(path),
        ) from error
    return digest.hexdigest()


def check_packages(packages: Sequence[str]) -> None:
    """Refuse what would be an option or two packages for debootstrap."""
    wrong = [name for name in packages if not PACKAGE.fullmatch(name)]
    if wrong:
        raise RampartError(
            f"{', '.join(map(repr, wrong))} cannot be the name of a Debian package.",
            next_step="give one name per entry of cluster_minikube_node_packages",
        )


def expand(context: Mapping[str, Path]) -> dict[str, Path]:
    """Replace each folder by the files below it."""
    files: dict[str, Path] = {}
    for place, source in context.items():
        if source.is_dir():
            found = [path for path in sorted(source.rglob("*")) if path.is_file()]
            files |= {f"{place}/{path.relative_to(source)}": path for path in found}
        else:
            files[place] = source
    return files


def _read(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is not a file")
    return json.load(stream)


def archive_key(path: Path) -> str:
    """Read the key out of an archive that `docker save` made; empty when it is none, or not whole."""
    try:
        with tarfile.open(path, "r:") as archive:
            listing = _read(archive, "manifest.json")
            # Reading the members to the end finds an archive that was cut off.
            names = set(archive.getnames())
            if not set(listing[0]["Layers"]) <= names:
                return ""
            config = _read(archive, listing[0]["Config"])
            return str((config.get("config", {}).get("Labels") or {}).get(LABEL, ""))
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, IndexError, TypeError):
        return ""
