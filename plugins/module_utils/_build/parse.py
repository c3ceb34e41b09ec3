# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns the words of the person into recipes, once what they name is there."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._build import origin
from ansible_collections.rampart.k8s.plugins.module_utils._build.context import NEVER, expand
from ansible_collections.rampart.k8s.plugins.module_utils._build.origin import Origin
from ansible_collections.rampart.k8s.plugins.module_utils._build.recipe import Base, Recipe, check
from ansible_collections.rampart.k8s.plugins.module_utils._build.wheels import Wheels
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import present
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git

GIT_SECONDS = 60.0


class AbsentError(Exception):
    """A base is not there yet; in check mode that is no error."""


def base(given: Mapping[str, Any]) -> Base:
    """Read which image is below."""
    if given["layout"]:
        layout = Path(given["layout"])
        found = present(layout)
        if found is None:
            raise AbsentError(str(layout))
        return Base(given["name"], found.digest, layout)
    image, _at, digest = given["name"].rpartition("@")
    if not DIGEST.fullmatch(digest):
        raise RampartError(
            f"The base {given['name']!r} is not named by its digest.",
            next_step="write REPOSITORY@sha256:DIGEST, or give the folder of a layout: a tag may move",
        )
    return Base(image, digest)


def recipe(given: Mapping[str, Any], repository: str | None, source: str, exclude: list[str]) -> Recipe:
    """Read one image; raises AbsentError when its base is not there yet."""
    dockerfile = Path(given["dockerfile"])
    context = {place: Path(path) for place, path in given["context"].items()}
    wheels = None
    if given["wheels"]:
        asked = given["wheels"]
        wheels = Wheels(
            asked["place"],
            tuple(Path(path) for path in asked["requirements"]),
            asked["python"],
            asked["glibc"],
            platform.machine(),
        )
    found = Origin(epoch=given["epoch"])
    if repository:
        git = Git("git", "gpg", Path(repository), timeout=GIT_SECONDS)
        listed = [dockerfile, *context.values(), *(wheels.requirements if wheels else ())]
        found = origin.of(git, Path(repository), [path.resolve() for path in listed])
    made = Recipe(
        name=given["name"],
        tag=given["tag"],
        layout=Path(given["layout"]),
        dockerfile=dockerfile,
        files=expand(context, (*NEVER, *exclude)),
        bases={each["argument"]: base(each) for each in given["bases"]},
        arguments={name: str(value) for name, value in given["arguments"].items()},
        target=given["target"],
        network=given["network"],
        source=source,
        labels={name: str(value) for name, value in given["labels"].items()},
        origin=found,
        wheels=wheels,
    )
    check(made)
    return made
