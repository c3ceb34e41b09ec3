# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Says why two builds of the same sources differ: where they part first, and what causes it."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import CHUNK
from ansible_collections.rampart.k8s.plugins.module_utils._oci.parts import Parts

MISSING = "nothing"
SHOWN = 120

# What usually makes a file differ, by its name.
KNOWN = (
    (
        re.compile(r"\.pyc$"),
        "compiled Python holds the time of its source: use unchecked-hash, or compile later",
    ),
    (
        re.compile(r"(^|/)ld\.so\.cache$|ldconfig/aux-cache$"),
        "a cache of the linker: remove it in the same layer",
    ),
    (re.compile(r"(^|/)var/(log|cache|tmp)/|(^|/)tmp/"), "a log or a cache: remove it in the same layer"),
    (re.compile(r"\.(jar|zip|whl|gz|tgz|xz|zst)$"), "an archive, which holds times of its own"),
    (re.compile(r"(^|/)(shadow|passwd)-?$"), "an account was made: its day of change is in it"),
    (
        re.compile(r"(^|/)(machine-id|ssh_host_\w+_key(\.pub)?|.*\.pem|.*\.key)$"),
        "made at random by the build",
    ),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same."""

    where: str
    first: str
    second: str
    cause: str

    def __str__(self) -> str:
        return f"{self.where}: {self.first} and {self.second} ({self.cause})"

    def data(self) -> dict[str, str]:
        return {"where": self.where, "first": self.first, "second": self.second, "cause": self.cause}


def images(first: Parts, second: Parts) -> Iterator[Difference]:
    """Compare two images, most telling things first."""
    if first.digest == second.digest:
        return
    layers = list(zip_longest(first.layers.items(), second.layers.items(), fillvalue=("", MISSING)))
    for number, ((one, one_digest), (other, other_digest)) in enumerate(layers, start=1):
        if one_digest == other_digest:
            continue
        where = f"layer {number}"
        if MISSING in (one_digest, other_digest):
            yield Difference(where, one_digest, other_digest, "one build has more steps that change files")
            continue
        yield from layer(first.folder / one, second.folder / other, where)
    nothing: dict[str, Any] = {}
    configs = zip_longest(first.configs, second.configs, fillvalue=nothing)
    for number, (one_config, other_config) in enumerate(configs):
        where = "configuration" if len(first.configs) == 1 else f"configuration {number + 1}"
        yield from configuration(one_config, other_config, where)


def configuration(first: Any, second: Any, where: str) -> Iterator[Difference]:
    """Compare configurations; digests of layers follow from the layers and are left out."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted({*first, *second}):
            if key != "rootfs":
                yield from configuration(first.get(key), second.get(key), f"{where}.{key}")
    elif isinstance(first, list) and isinstance(second, list):
        for number, (one, other) in enumerate(zip_longest(first, second)):
            yield from configuration(one, other, f"{where}.{number}")
    elif first != second:
        cause = "the two builds were asked for other things"
        if where.endswith(".created"):
            cause = "the time of the build: set SOURCE_DATE_EPOCH"
        elif ".Env." in where or ".Labels." in where:
            cause = "a value that the build takes from its surroundings"
        yield Difference(where, _shown(first), _shown(second), cause)


@dataclass(frozen=True, slots=True)
class Member:
    """What an archive says of one file."""

    position: int
    type: str
    mode: str
    owner: str
    mtime: str
    link: str
    size: str
    content: str


CAUSES = {
    "mtime": "times of files: set SOURCE_DATE_EPOCH and let the builder rewrite timestamps",
    "mode": "permissions depend on the surroundings: set umask or chmod in the build",
    "owner": "owners depend on who builds: set them in the build",
    "type": "the build makes another kind of file",
    "link": "the link depends on the surroundings",
    "size": "the build writes other content",
    "content": "the build writes other content",
}


def layer(first: Path, second: Path, where: str) -> Iterator[Difference]:
    """Compare two layers file by file."""
    one, other = members(first), members(second)
    for name in sorted({*one, *other}):
        here, there = one.get(name), other.get(name)
        if here is None or there is None:
            yield Difference(
                f"{where} /{name}",
                MISSING if here is None else here.type,
                MISSING if there is None else there.type,
                _by_name(name) or "only one build makes this file",
            )
            continue
        for aspect, cause in CAUSES.items():
            before, after = str(getattr(here, aspect)), str(getattr(there, aspect))
            if before != after:
                guess = _by_name(name) if aspect in ("size", "content") else ""
                yield Difference(f"{where} /{name} ({aspect})", _shown(before), _shown(after), guess or cause)
                break
    if one == other:
        yield Difference(where, first.suffix, second.suffix, "the same files, packed in another way")
    elif {name: _unordered(member) for name, member in one.items()} == {
        name: _unordered(member) for name, member in other.items()
    }:
        moved = [name for name, member in one.items() if other[name].position != member.position]
        name = moved[0]
        yield Difference(
            f"{where} /{name}",
            f"place {one[name].position}",
            f"place {other[name].position}",
            "files come in the order of the disk: sort them",
        )


def _unordered(member: Member) -> tuple[str, ...]:
    return tuple(str(getattr(member, aspect)) for aspect in CAUSES)


def members(path: Path) -> dict[str, Member]:
    """Read what an archive holds, as a stream and without unpacking it."""
    found: dict[str, Member] = {}
    try:
        with tarfile.open(path, "r|*") as archive:
            for position, info in enumerate(archive):
                measured = hashlib.sha256()
                stream = archive.extractfile(info) if info.isreg() else None
                while stream is not None and (piece := stream.read(CHUNK)):
                    measured.update(piece)
                found[info.name.removeprefix("./")] = Member(
                    position,
                    {"0": "a file", "5": "a folder", "2": "a link"}.get(info.type.decode(), "a special file"),
                    f"{info.mode:04o}",
                    f"{info.uid}:{info.gid}",
                    str(int(info.mtime)),
                    info.linkname,
                    str(info.size),
                    measured.hexdigest()[:16] if stream is not None else "",
                )
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RampartError(
            f"The layer {path.name} cannot be compared: {error or type(error).__name__}.",
            next_step="let the builder write layers as tar or tar.gz",
        ) from error
    return found


def folders(first: Path, second: Path) -> Iterator[Difference]:
    """Compare what two builds left in folders; times and owners of files are not compared."""
    one, other = _tree(first), _tree(second)
    for name in sorted({*one, *other}):
        before, after = one.get(name, MISSING), other.get(name, MISSING)
        if before != after:
            cause = _by_name(name) or (
                "only one build makes this file"
                if MISSING in (before, after)
                else "the build writes other content"
            )
            yield Difference(f"/{name}", before, after, cause)


def _tree(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            with path.open("rb") as stream:
                found[name] = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    return found


def _by_name(name: str) -> str:
    return next((cause for pattern, cause in KNOWN if pattern.search(name)), "")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value) if value is not None else MISSING
    return text[:SHOWN]
