# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is to be judged, in the words of the person, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import NAME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Kind

# Where an image comes from: a name there, or a path here.
BY_NAME = ("docker", "containerd", "registry")
BY_PATH = ("archive", "layout", "sbom")
SOURCES = (*BY_NAME, *BY_PATH)

_TAG = r"(?::[\w][\w.-]{0,127})"
_DIGEST = r"sha256:[0-9a-f]{64}"
_NAMED = re.compile(rf"(?:{NAME.pattern}){_TAG}?(?:@{_DIGEST})?|{_DIGEST}", re.ASCII)
_BY_DIGEST = re.compile(rf"(?:{NAME.pattern}){_TAG}?@{_DIGEST}", re.ASCII)
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,199}")


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to judge: an image, a list of parts, or a Dockerfile by itself."""

    # The line of images that it belongs to: the clock runs per line, not per build.
    line: str
    kind: Kind
    source: str
    place: str
    # Which of several images in an archive or a layout.
    reference: str = ""
    dockerfile: Path | None = None
    expect_packages: bool = True

    @property
    def shown(self) -> str:
        return f"{self.source}:{self.place}" if self.source in BY_NAME else self.place


def _refuse(what: str, next_step: str) -> RampartError:
    return RampartError(what, next_step=next_step)


def line_of(place: str, source: str) -> str:
    """Derive the line from the name: without tag and digest, or without the ending of a file."""
    if source in BY_NAME:
        name = place.partition("@")[0]
        head, slash, last = name.rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}"
    path = Path(place)
    name = re.sub(r"(\.docker|\.oci|\.cdx|\.spdx)?\.(tar|json)$", "", path.name)
    return f"{path.parent.name}/{name}" if source == "dockerfile" else name


def parse(entry: Mapping[str, Any]) -> Subject:
    """Read one entry of the list."""
    given = [source for source in SOURCES if entry.get(source)]
    dockerfile = entry.get("dockerfile")
    if len(given) > 1 or not (given or dockerfile):
        raise _refuse(
            f"An entry of the images names {' and '.join(given) or 'no source'}.",
            f"give one of {', '.join(SOURCES)}, a dockerfile, or an image with its dockerfile",
        )
    source = given[0] if given else "dockerfile"
    place = str(entry[source])
    if source in BY_NAME and not _NAMED.fullmatch(place):
        raise _refuse(f"{place!r} is not the name of an image.", "write it as name:tag or name@sha256:...")
    if source == "registry" and not _BY_DIGEST.fullmatch(place):
        raise _refuse(
            f"{place} names no digest, so that a registry could give another image each time.",
            "write it as name@sha256:..., as the build or `crane digest` tells it",
        )
    if source not in BY_NAME and not Path(place).is_absolute():
        raise _refuse(f"{place} is not an absolute path.", "give the whole path")
    if dockerfile and not Path(dockerfile).is_absolute():
        raise _refuse(f"{dockerfile} is not an absolute path.", "give the whole path")
    line = str(entry.get("name") or line_of(place, source))
    if not _LINE.fullmatch(line):
        raise _refuse(
            f"{line[:100]!r} cannot name a line of images.", "give name, with letters, digits and ._:/@-"
        )
    kinds = {"sbom": Kind.SBOM, "dockerfile": Kind.DOCKERFILE}
    return Subject(
        line,
        kinds.get(source, Kind.IMAGE),
        source,
        place,
        str(entry.get("reference") or ""),
        Path(dockerfile) if dockerfile else None,
        bool(entry.get("expect_packages", True)),
    )
