# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacks packages into a folder as their managers would, so that scanners recognise them there."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

from tests.ground.packages import run

SITE_PACKAGES = "app/lib/python3.11/site-packages"
NODE_MODULES = "app/node_modules"


def unpack_debs(files: Sequence[Path], root: Path, *, distroless: bool) -> None:
    """Unpack Debian packages and record them as installed; nothing of them is run."""
    database = root / "var/lib/dpkg"
    (database / ("status.d" if distroless else "info")).mkdir(parents=True)
    records = []
    for file in files:
        run(["dpkg-deb", "--extract", str(file), str(root)], folder=root)
        control = run(["dpkg-deb", "--field", str(file)], folder=root).decode()
        name = control.split("\n", 1)[0].removeprefix("Package: ")
        if distroless:
            (database / "status.d" / name).write_text(control)
            continue
        records.append(control.replace("\n", "\nStatus: install ok installed\n", 1))
        content = run(["dpkg-deb", "--fsys-tarfile", str(file)], folder=root)
        with tarfile.open(fileobj=io.BytesIO(content)) as members:
            names = [f"/{PurePosixPath(member.name)}" for member in members]
        (database / f"info/{name}.list").write_text("\n".join(names) + "\n")
    if not distroless:
        (database / "status").write_text("\n".join(records))
        # What the package's own script would copy at its installation.
        for name in ("passwd", "group"):
            master = root / f"usr/share/base-passwd/{name}.master"
            (root / "etc" / name).write_bytes(master.read_bytes())


def unpack_wheels(files: Sequence[Path], root: Path) -> None:
    """Unpack Python packages below the application's folder."""
    target = root / SITE_PACKAGES
    for file in files:
        with zipfile.ZipFile(file) as wheel:
            for name in wheel.namelist():
                if not name.endswith("/"):
                    _write(target / name, wheel.read(name))
    _plain_modes(target)


def unpack_tarballs(files: Mapping[str, Path], root: Path) -> None:
    """Unpack npm packages below the application's folder, by their names."""
    for name, file in files.items():
        target = root / NODE_MODULES / name
        with tarfile.open(file) as tarball:
            for member in tarball:
                content = tarball.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                # The first part is "package", or whatever the publisher's npm called it.
                place = target / PurePosixPath(*PurePosixPath(member.name).parts[1:])
                _write(place, content.read())
    _plain_modes(root / NODE_MODULES)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _plain_modes(folder: Path) -> None:
    """Give everything the mode that does not depend on who builds."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def entries(root: Path) -> Iterator[Entry]:
    """Return everything below a folder as the parts of a layer; owners and times do not count."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            inside = f"/{path.relative_to(root)}"
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                yield Entry(inside, 0o777, link=os.readlink(path))
            elif stat.S_ISDIR(status.st_mode):
                yield Entry(inside, stat.S_IMODE(status.st_mode))
            else:
                yield Entry(inside, stat.S_IMODE(status.st_mode), source=path)
