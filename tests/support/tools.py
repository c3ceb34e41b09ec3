# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small tools for tests: entries of the list, archives, and a Go module that builds in a second."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GO_SOURCE = """\
package main

import "fmt"

var version = "unset"

func main() { fmt.Println("hello " + version) }
"""


def script(version: str) -> bytes:
    """Return a program that says its version."""
    return f"#!/bin/sh\necho hello v{version}\n".encode()


def sha256(content: bytes) -> str:
    """Return the sum of some bytes."""
    return hashlib.sha256(content).hexdigest()


def entry(**more: Any) -> dict[str, Any]:
    """Return the list item of a tool named hello."""
    return {
        "name": "hello",
        "version": "1.2.3",
        "provides": ["bin/hello"],
        "system": {"ask": {"bin/hello": ["--version"]}},
        **more,
    }


def go_entry(**more: Any) -> dict[str, Any]:
    """Return the list item of a tool that is built from the module of ``go_module``."""
    go = {
        "folder": "hello",
        "packages": {"bin/hello": "example.test/hello"},
        "ldflags": ["-X main.version=1.2.3"],
        "memory_mb": 200,
        "disk_mb": 10,
    }
    return entry(go={**go, **more})


def go_module(modules: Path, *, go_version: str = "1.21", source: str = GO_SOURCE) -> None:
    """Write a Go module without dependencies."""
    folder = modules / "hello"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(f"module example.test/hello\n\ngo {go_version}\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text(source)


def tarball(members: Mapping[str, bytes | tarfile.TarInfo], *, mode: str = "w:gz") -> bytes:
    """Return an archive; a TarInfo as the value stands for a member that is not a plain file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def write_mirror(folder: Path, archives: Mapping[str, bytes]) -> str:
    """Write a mirror's folder; return the sum of its list."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    listing = "".join(f"{sha256(content)}  {name}\n" for name, content in archives.items()).encode()
    (folder / "SHA256SUMS").write_bytes(listing)
    return sha256(listing)
