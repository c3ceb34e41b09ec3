# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One entry of the tool list, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# Where a file may land, below an artifact's folder and below the prefix alike.
TOP_FOLDERS = ("bin", "libexec", "share")

MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GO_MAJOR = re.compile(r"v\d+")


@dataclass(frozen=True, slots=True)
class System:
    """How a tool that is already installed is recognised."""

    ask: dict[str, tuple[str, ...]]
    accept: str
    programs: dict[str, str]
    package: str = ""
    # What brings it as a Python package, beside the interpreter that runs the collection.
    python: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """One file of an official release: an archive with ``members``, or a program for one place."""

    url: str
    sha256: str
    members: dict[str, str]
    place: str = ""


@dataclass(frozen=True, slots=True)
class GoBuild:
    """A build from a pinned Go module."""

    folder: str
    packages: dict[str, str]
    ldflags: str = ""
    tags: tuple[str, ...] = ()
    cgo: bool = False
    experiment: str = ""
    memory_mb: int = 1500
    disk_mb: int = 1000


@dataclass(frozen=True, slots=True)
class Data:
    """A folder that a Go module carries and the tool needs at run time."""

    module: str
    path: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what it puts where, and where it can come from."""

    name: str
    version: str
    provides: tuple[str, ...]
    system: System | None = None
    release: tuple[Download, ...] = ()
    go: GoBuild | None = None
    data: dict[str, Data] | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Everything that gets a link: programs and data folders."""
        return (*self.provides, *(self.data or {}))

    def accepted(self) -> str:
        """The versions that a program may say of itself."""
        return self.system.accept if self.system else f"=={self.version}"


def output_name(package: str) -> str:
    """Return the name that ``go build`` gives to the program of a package."""
    parts = package.split("/")
    if len(parts) > 1 and _GO_MAJOR.fullmatch(parts[-1]):
        parts.pop()
    return parts[-1]


def safe_place(place: str) -> bool:
    """Tell whether a place stays below its folder: bin/x, libexec/x/y, share/x/y."""
    path = PurePosixPath(place)
    return (
        len(path.parts) > 1
        and path.parts[0] in TOP_FOLDERS
        and ".." not in path.parts
        and str(path) == place
        and "\0" not in place
    )


def _check(tool: Tool) -> list[str]:
    """Say what is wrong with an entry; an empty list means nothing."""
    wrong = []
    if not _NAME.fullmatch(tool.name):
        wrong.append("the name may hold lower-case letters, digits and dashes only")
    if not _VERSION.fullmatch(tool.version):
        wrong.append("the version may hold letters, digits and .+_- only")
    if not tool.provides:
        wrong.append("it provides nothing")
    wrong += [
        f"{place!r} is not a place below {', '.join(TOP_FOLDERS)}"
        for place in tool.places
        if not safe_place(place)
    ]
    for what, places in (
        ("system.ask", tool.system.ask if tool.system else {}),
        ("system.programs", tool.system.programs if tool.system else {}),
        ("go.packages", tool.go.packages if tool.go else {}),
    ):
        wrong += [f"{what} names {place!r}, which it does not provide" for place in places
                  if place not in tool.provides]  # fmt: skip
    if tool.go:
        if set(tool.go.packages) != set(tool.provides):
            wrong.append("go.packages must build everything that it provides")
        names = [output_name(package) for package in tool.go.packages.values()]
        if len(names) != len(set(names)):
            wrong.append("two of its Go packages give programs of the same name")
    if tool.release:
        released = [place for file in tool.release for place in (file.members or {file.place: ""})]
        if tool.data or sorted(released) != sorted(tool.provides):
            wrong.append("its release must give exactly what it provides, and no data")
        wrong += [f"{file.sha256!r} is not a sha256" for file in tool.release
                  if not _SHA256.fullmatch(file.sha256)]  # fmt: skip
    return wrong


def _strings(value: Any) -> dict[str, str]:
    return {str(key): str(item) for key, item in (value or {}).items()}


def parse(entry: dict[str, Any], architecture: str) -> Tool:
    """Turn a list item, already typed by the argument specification, into a tool for one architecture."""
    version = str(entry["version"])
    system, go, data = entry.get("system"), entry.get("go"), entry.get("data")
    release = (entry.get("release") or {}).get(architecture) or []
    tool = Tool(
        name=entry["name"],
        version=version,
        provides=tuple(entry["provides"]),
        system=System(
            ask={place: tuple(map(str, args)) for place, args in (system.get("ask") or {}).items()},
            accept=system.get("accept") or f"=={version}",
            programs=_strings(system.get("programs")),
            package=system.get("package") or "",
            python=system.get("python") or "",
        )
        if system
        else None,
        release=tuple(
            Download(file["url"], file["sha256"], _strings(file.get("members")), file.get("place") or "")
            for file in release
        ),
        go=GoBuild(
            folder=go["folder"],
            packages=_strings(go["packages"]),
            ldflags=" ".join(go.get("ldflags") or []),
            tags=tuple(go.get("tags") or []),
            cgo=bool(go.get("cgo")),
            experiment=go.get("experiment") or "",
            memory_mb=go.get("memory_mb") or 1500,
            disk_mb=go.get("disk_mb") or 1000,
        )
        if go
        else None,
        data={place: Data(item["module"], item["path"]) for place, item in data.items()} if data else None,
    )
    wrong = _check(tool)
    if wrong:
        raise RampartError(
            f"The entry of {tool.name} in the tool list is not right: {'; '.join(wrong)}.",
            next_step="correct the entry; docs/guides/add-a-tool.md says what each key means",
            tool=tool.name,
        )
    return tool
