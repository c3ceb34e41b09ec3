# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One image as it should be, and the key of everything that decides what it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._build.context import File
from ansible_collections.rampart.k8s.plugins.module_utils._build.origin import Origin
from ansible_collections.rampart.k8s.plugins.module_utils._build.wheels import Wheels
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import timestamp
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import NAME, TAG

# What this package makes of the same sources; to be raised when that changes.
EDITION = 1
DOCKERFILE = "Dockerfile"
PREFIX = "org.opencontainers.image"


@dataclass(frozen=True, slots=True)
class Base:
    """The image below, by its digest: a folder of this machine, or one that a registry has."""

    name: str
    digest: str
    layout: Path | None = None

    @property
    def pinned(self) -> str:
        return f"{self.name}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image."""

    name: str
    tag: str
    layout: Path
    dockerfile: Path
    files: Mapping[str, File]
    bases: Mapping[str, Base]
    arguments: Mapping[str, str]
    target: str
    network: str
    source: str
    labels: Mapping[str, str]
    origin: Origin
    wheels: Wheels | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}:{self.tag}"

    def described(self) -> dict[str, str]:
        """Return what the image says of itself, as labels and as annotations.

        Its version is not among it: a release of the whole must not make another image of a part that
        stayed the same. It stands in the index of the layout.
        """
        said = {
            f"{PREFIX}.title": self.name.rpartition("/")[2],
            f"{PREFIX}.created": timestamp(self.origin.epoch),
            f"{PREFIX}.revision": self.origin.revision,
            f"{PREFIX}.source": self.source,
        }
        last = list(self.bases.values())[-1:]
        for base in last:
            said |= {f"{PREFIX}.base.name": base.name, f"{PREFIX}.base.digest": base.digest}
        return dict(sorted({**{key: value for key, value in said.items() if value}, **self.labels}.items()))

    def key(self, builder: str) -> str:
        """Name everything that decides what the image becomes."""
        words = [
            EDITION,
            builder,
            File(self.dockerfile, 0).digest(),
            [(place, file.mode, file.digest()) for place, file in self.files.items()],
            sorted((argument, base.pinned) for argument, base in self.bases.items()),
            sorted(self.arguments.items()),
            self.target,
            self.network,
            self.wheels.key if self.wheels else "",
            self.origin.epoch,
            self.described(),
        ]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def check(recipe: Recipe) -> None:
    """Refuse what no registry takes, and a Dockerfile that is none of the image's files but stands among them."""
    if not NAME.fullmatch(recipe.name) or not TAG.fullmatch(recipe.tag):
        raise RampartError(
            f"{recipe.reference} cannot be the name of an image.",
            next_step="use lower-case letters, digits and single separators, and a tag of at most 128 characters",
        )
    both = sorted(recipe.bases.keys() & recipe.arguments.keys())
    if both:
        raise RampartError(
            f"The build argument {both[0]} of {recipe.name} is a base and a value.", next_step="give it once"
        )
