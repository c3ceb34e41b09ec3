# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Lays out Debian packages as the files of an image; nothing of a package is run.

What the packages' own scripts would do at an installation, and an image of programs needs, is done
here: the merged /usr, accounts, and the bundle of certificate authorities.
"""

from __future__ import annotations

import fnmatch
import posixpath
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._debian.deb import broken, control, opened
from ansible_collections.rampart.k8s.plugins.module_utils._debian.resolve import fields
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

# Of no use to a program; the copyright files stay, since licences are read from them.
NEVER = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
    "/usr/share/menu/*",
    "/usr/share/doc-base/*",
    "/usr/share/applications/*",
    "/usr/share/pixmaps/*",
    "/var/cache/*",
    "/var/log/*",
)
DOCUMENTATION, COPYRIGHT = "/usr/share/doc/", "/copyright"

AUTHORITIES = "/usr/share/ca-certificates/"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
STATUS = "/var/lib/dpkg/status.d"

# The folder of an image where everybody may write; no path of this machine.
EVERYBODYS = "/" + "tmp"

# Neither setuid nor setgid: a program that starts as nobody has no business in becoming somebody.
MODES = 0o1777


@dataclass(frozen=True, slots=True)
class Account:
    """A user with a group of the same name and number."""

    name: str
    number: int
    home: str = "/nonexistent"


@dataclass(slots=True)
class Rootfs:
    """The files of an image while they are collected; contents lie in a folder under numbers."""

    folder: Path
    removed: tuple[str, ...] = ()
    entries: dict[str, Entry] = field(default_factory=dict)
    _count: int = 0

    def unpack(self, file: Path) -> None:
        """Add what a package holds, and its own description where scanners look for it."""
        with opened(file, "data") as archive:
            for member in archive:
                self._add(file, archive, member)
        text = control(file)
        self.put(f"{STATUS}/{fields(text)['Package']}", text.encode())

    def put(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Add a file."""
        source = self._next()
        source.write_bytes(content)
        self.entries[path] = Entry(path, mode, source=source)

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.entries[path] = Entry(path, 0o777, link=target)

    def directory(self, path: str, mode: int) -> None:
        """Add a folder."""
        self.entries[path] = Entry(path, mode)

    def _next(self) -> Path:
        self._count += 1
        return self.folder / str(self._count)

    def _wanted(self, path: str) -> bool:
        if path.startswith(DOCUMENTATION) and not path.endswith(COPYRIGHT):
            return False
        return not any(fnmatch.fnmatchcase(path, pattern) for pattern in (*NEVER, *self.removed))

    def _add(self, file: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = place(file, member.name)
        # Newer releases bring the links into /usr as files of a package; they are made at the end.
        merging = member.issym() and path.removeprefix("/usr/") in MERGED
        if path == "/" or merging or not self._wanted(path):
            return
        mode = member.mode & MODES
        if member.isdir():
            # Folders above files are added as they are needed; one that is empty, or special, is kept.
            if mode != 0o755 or path not in self.entries:
                self.entries.setdefault(path, Entry(path, mode))
        elif member.issym():
            self.link(path, target(member.name, member.linkname))
        elif member.islnk():
            source = self.entries.get(place(file, member.linkname))
            if source is None or source.source is None:
                raise broken(file, f"{member.name} is a second name of what is not there")
            self.entries[path] = Entry(path, source.mode, source=source.source)
        elif member.isreg():
            content = archive.extractfile(member)
            source_file = self._next()
            with source_file.open("wb") as stream:
                shutil.copyfileobj(content, stream) if content else None
            self.entries[path] = Entry(path, mode, source=source_file)
        else:
            raise broken(file, f"{member.name} is neither file, folder nor link")


def place(file: Path, name: str) -> str:
    """Say where a member lies in the image, where /bin and its like are links into /usr."""
    if ".." in name.split("/"):
        raise broken(file, f"{name!r} leads out of it")
    path = posixpath.normpath(f"/{name}")
    path = path[1:] if path.startswith("//") else path
    first = path.split("/")[1]
    return f"/usr{path}" if first in MERGED else path


def target(name: str, link: str) -> str:
    """Keep a relative link right when its file moves below /usr."""
    moved = posixpath.normpath(f"/{name}").lstrip("/").split("/")[0] in MERGED
    if link.startswith("/") or not moved or ".." not in link.split("/"):
        return link
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(name), link))


def complete(rootfs: Rootfs, accounts: Sequence[Account]) -> None:
    """Add what no package holds."""
    for name in MERGED:
        if any(path.startswith(f"/usr/{name}/") for path in rootfs.entries):
            rootfs.link(f"/{name}", f"usr/{name}")
    everybody = [Account("root", 0, "/root"), *accounts]
    rootfs.put(
        "/etc/passwd", _lines(f"{a.name}:x:{a.number}:{a.number}::{a.home}:/sbin/nologin" for a in everybody)
    )
    rootfs.put("/etc/group", _lines(f"{a.name}:x:{a.number}:" for a in everybody))
    rootfs.put("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    rootfs.directory(EVERYBODYS, 0o1777)
    authorities = [
        path for path in sorted(rootfs.entries) if path.startswith(AUTHORITIES) and path.endswith(".crt")
    ]
    if authorities:
        rootfs.put(BUNDLE, b"".join(_content(rootfs.entries[path]) for path in authorities))


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _content(entry: Entry) -> bytes:
    content = entry.source.read_bytes() if entry.source else b""
    return content if content.endswith(b"\n") else content + b"\n"
