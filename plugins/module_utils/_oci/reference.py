# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""How a person names an image, and where that image lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import DIGEST

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
REPOSITORY = re.compile(
    r"(?P<host>localhost|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])"
    r"(?P<port>:\d{1,5})?"
    r"(?P<path>(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+)"
)

# The grammar of github.com/distribution/reference: the registry and the tag may be left out.
PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"(?:[a-z0-9.-]+(?::[0-9]+)?/)?{PART}(?:/{PART})*")
NAMED_IMAGE = re.compile(rf"{NAME.pattern}(?::{TAG.pattern})?")


class Place(StrEnum):
    """Where an image lies."""

    LAYOUT = "oci"
    ARCHIVE = "docker-archive"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True)
class Reference:
    """One image: its place, and the tag or digest that picks it there."""

    place: Place
    # A folder, a file, or host[:port]/repository.
    location: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        prefix = "" if self.place is Place.REGISTRY else f"{self.place}:"
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{prefix}{self.location}{tag}{digest}"

    @property
    def path(self) -> Path:
        """The folder or file of an image that lies on this machine."""
        return Path(self.location)


def _refuse(text: str, why: str) -> RampartError:
    return RampartError(
        f"{text!r} does not name an image: {why}.",
        next_step="write HOST[:PORT]/REPOSITORY:TAG or HOST[:PORT]/REPOSITORY@sha256:DIGEST for a registry, "
        "oci:/FOLDER[:TAG][@sha256:DIGEST] for an OCI layout, docker-archive:/FILE for an archive",
    )


def parse(text: str) -> Reference:
    """Read a reference.

    A name without a host is refused: whoever serves that name first would decide what it means.
    """
    head, _unused, digest = text.partition("@")
    if digest and not DIGEST.fullmatch(digest):
        raise _refuse(text, "what follows the @ is not a sha256 digest")
    for place in (Place.LAYOUT, Place.ARCHIVE):
        if head.startswith(f"{place}:"):
            return _local(text, place, head.removeprefix(f"{place}:"), digest)
    repository, tag = head, ""
    if ":" in head.rpartition("/")[2]:
        repository, _unused, tag = head.rpartition(":")
        if not TAG.fullmatch(tag):
            raise _refuse(text, f"{tag!r} is not a tag")
    found = REPOSITORY.fullmatch(repository)
    if not found:
        raise _refuse(text, "it is not of the form HOST/REPOSITORY")
    host = found["host"]
    if "." not in host and ":" not in host and host != "localhost" and not found["port"]:
        raise _refuse(text, f"it names no registry ({host!r} is not a host)")
    return Reference(Place.REGISTRY, repository, tag, digest)


def _local(text: str, place: Place, rest: str, digest: str) -> Reference:
    path, tag = rest, ""
    if ":" in rest.rpartition("/")[2]:
        path, _unused, tag = rest.rpartition(":")
        if not TAG.fullmatch(tag):
            raise _refuse(text, f"{tag!r} is not a tag")
    if not path.startswith("/") or ".." in Path(path).parts:
        raise _refuse(text, "its path is not absolute")
    return Reference(place, path, tag, digest)


def in_full(name: str) -> str:
    """Write a name as containerd and the kubelet do: with its registry, and with a tag or a digest."""
    head, at, digest = name.partition("@")
    first, slash, _rest = head.partition("/")
    if not slash or ("." not in first and ":" not in first and first != "localhost"):
        head = f"docker.io/{'' if slash else 'library/'}{head}"
    if at:
        return f"{head}@{digest}"
    return head if ":" in head.rpartition("/")[2] else f"{head}:latest"


def repository_of(name: str) -> str:
    """Take tag and digest off a name."""
    head = name.partition("@")[0]
    return head.rpartition(":")[0] if ":" in head.rpartition("/")[2] else head
