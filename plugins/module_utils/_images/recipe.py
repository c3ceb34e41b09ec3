# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an image consists of, checked before anything is read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import NAME, TAG

MODE = re.compile(r"0[0-7]{3,4}")

FOLDER_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a link or (with neither) a folder inside the image."""

    path: str
    mode: int
    source: Path | None = None
    link: str = ""

    @property
    def kind(self) -> str:
        if self.source is not None:
            return "file"
        return "link" if self.link else "folder"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image as it should be."""

    name: str
    tag: str
    entries: tuple[Entry, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    archive: Path | None = None

    @property
    def reference(self) -> str:
        return f"{self.name}:{self.tag}"


def _refuse(what: str, next_step: str) -> RampartError:
    return RampartError(what, next_step=next_step)


def parse_entry(image: str, path: str, mode: str | None, source: str | None, link: str | None) -> Entry:
    """Turn the words of the person into an entry."""
    # normpath keeps two leading slashes, which POSIX leaves to each system's own meaning.
    if path == "/" or not path.startswith("/") or path.startswith("//") or posixpath.normpath(path) != path:
        raise _refuse(
            f"{path!r} in the image {image} is not an absolute path in its shortest form.",
            "start it with a slash, without '..', double slashes or a slash at the end",
        )
    if source is not None and link is not None:
        raise _refuse(f"{path} in the image {image} is a file and a link.", "give either source or link")
    if source is not None and not source.startswith("/"):
        raise _refuse(f"The source {source} of {path} is not an absolute path.", "give the whole path")
    text = mode or f"0{FOLDER_MODE:o}"
    if not MODE.fullmatch(text):
        raise _refuse(
            f"The mode {text} of {path} is not an octal mode with a leading zero.",
            "write it in quotes, for example '0755'",
        )
    return Entry(path, int(text, 8), Path(source) if source is not None else None, link or "")


def check(recipes: Sequence[Recipe], *, registry: bool) -> None:
    """Refuse what no registry takes and what has no place to go."""
    references = [recipe.reference for recipe in recipes]
    for recipe in recipes:
        if not NAME.fullmatch(recipe.name) or not TAG.fullmatch(recipe.tag):
            raise _refuse(
                f"{recipe.reference} cannot be the name of an image.",
                "use lower-case letters, digits and single separators",
            )
        if references.count(recipe.reference) > 1:
            raise _refuse(f"The image {recipe.reference} is given twice.", "give each image its own tag")
        if not registry and recipe.archive is None:
            raise _refuse(
                f"The image {recipe.reference} has neither a registry nor an archive to go to.",
                "give registry for all images, or archive for this one",
            )
        if not recipe.entries:
            raise _refuse(f"The image {recipe.reference} has no files.", "give at least one")
        layout(recipe)


def layout(recipe: Recipe) -> list[Entry]:
    """Return all entries in their one order, with the folders above them that nobody named."""
    return ordered(recipe.reference, recipe.entries)


def ordered(image: str, entries: Iterable[Entry]) -> list[Entry]:
    """Sort the entries of an image and add the folders above them."""
    named: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in named:
            raise _refuse(f"{entry.path} is given twice in the image {image}.", "give each path once")
        named[entry.path] = entry
    whole = dict(named)
    for entry in named.values():
        parent = posixpath.dirname(entry.path)
        while parent != "/":
            above = whole.setdefault(parent, Entry(parent, FOLDER_MODE))
            if above.kind != "folder":
                raise _refuse(
                    f"{entry.path} in the image {image} lies below {parent}, a {above.kind}.",
                    "correct one of the two paths",
                )
            parent = posixpath.dirname(parent)
    # By parts: a folder comes before what is in it, whatever its neighbours are called.
    return sorted(whole.values(), key=lambda entry: entry.path.split("/"))
