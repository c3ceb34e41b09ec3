# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the images under test from images.yml, and only what changed since the last time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import Layer

from tests.ground import rootfs
from tests.ground.oci import Plan, Written, write
from tests.ground.packages import SOURCES, UNPACKED, Package, Store, alone, fingerprint


def recipes() -> dict[str, dict[str, Any]]:
    """Return what stands in images.yml, by the images' names."""
    content = yaml.safe_load((SOURCES / "images.yml").read_text())
    return {recipe["name"]: recipe for recipe in content["images"]}


def _packages(rows: Sequence[Sequence[str]]) -> list[Package]:
    return [Package(*row) for row in rows]


def _fill(layer: dict[str, Any], root: Path, store: Store) -> str:
    """Unpack what a layer names into a folder, and say in one line what was done."""
    words = []
    if debian := layer.get("debian"):
        packages = _packages(debian["packages"])
        rootfs.unpack_debs(
            store.debs(debian["release"], packages), root, distroless=debian.get("distroless", False)
        )
        words.append(f"dpkg --install {' '.join(item.name for item in packages)}")
    if rows := layer.get("python"):
        packages = _packages(rows)
        rootfs.unpack_wheels(store.wheels(packages), root)
        words.append(f"pip install {' '.join(f'{item.name}=={item.version}' for item in packages)}")
    if rows := layer.get("npm"):
        packages = _packages(rows)
        files = store.tarballs(packages)
        rootfs.unpack_tarballs({item.name: file for item, file in zip(packages, files, strict=True)}, root)
        words.append(f"npm install {' '.join(f'{item.name}@{item.version}' for item in packages)}")
    for name, place in (layer.get("go") or {}).items():
        _put(root, place, store.program(name).read_bytes(), 0o755)
        words.append(f"COPY {name} {place}")
    for place, text in (layer.get("files") or {}).items():
        _put(root, place, text.encode(), 0o644)
        words.append(f"COPY {place}")
    for place in layer.get("setuid") or ():
        path = root / place.lstrip("/")
        path.chmod(path.stat().st_mode | 0o4000)
        words.append(f"chmod u+s {place}")
    return "; ".join(words)


def _put(root: Path, place: str, content: bytes, mode: int) -> None:
    path = root / place.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _settings(recipe: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"WorkingDir": "/", "Cmd": recipe["command"]} if "command" in recipe else {}
    if recipe["user"]:
        settings["User"] = recipe["user"]
    if environment := recipe.get("environment"):
        settings["Env"] = [f"{name}={value}" for name, value in sorted(environment.items())]
    if check := recipe.get("healthcheck"):
        settings["Healthcheck"] = {"Test": check}
    return settings


def _dockerfile_lines(recipe: dict[str, Any]) -> tuple[str, ...]:
    lines = [f"ENV {name}={value}" for name, value in sorted(recipe.get("environment", {}).items())]
    if recipe["user"]:
        lines.append(f"USER {recipe['user']}")
    if check := recipe.get("healthcheck"):
        lines.append(f"HEALTHCHECK {json.dumps(check)}")
    if command := recipe.get("command"):
        lines.append(f"CMD {json.dumps(command)}")
    return tuple(lines)


def _fingerprint(recipe: dict[str, Any]) -> str:
    """Name all that decides what an image becomes."""
    modules = {name for layer in recipe["layers"] for name in layer.get("go") or ()}
    words = json.dumps(recipe, sort_keys=True) + fingerprint(*modules)
    return hashlib.sha256(words.encode()).hexdigest()


@contextmanager
def _usual_modes() -> Iterator[None]:
    """Make folders and files with the modes that everybody's would have."""
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def build_images(work: Path, names: Sequence[str] = ()) -> dict[str, Written]:
    """Make sure that the named images (all, if none is named) are below ``work``, and say where."""
    known = recipes()
    if unknown := set(names) - set(known):
        raise ValueError(f"images.yml has no {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    with alone(work), _usual_modes():
        return {name: _image(work, known[name]) for name in names or known}


def _image(work: Path, recipe: dict[str, Any]) -> Written:
    target = work / "images" / recipe["name"]
    stamp = target / "built.json"
    mark = _fingerprint(recipe)
    if stamp.exists():
        built = json.loads(stamp.read_text())
        if built.pop("fingerprint") == mark:
            paths = {name: Path(built[name]) for name in ("layout", "archive")}
            return Written(**{**built, **paths})
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    store = Store(work / "packages")
    with tempfile.TemporaryDirectory(dir=work, prefix=UNPACKED) as unpacked:
        layers = []
        for number, layer in enumerate(recipe["layers"]):
            root = Path(unpacked, str(number))
            root.mkdir()
            made_by = _fill(layer, root, store)
            layers.append(Layer(tuple(rootfs.entries(root)), made_by))
        written = write(
            Plan(recipe["name"], tuple(layers), _settings(recipe), _dockerfile_lines(recipe)), target
        )
    stamp.write_text(json.dumps({**written.as_data(), "fingerprint": mark}))
    return written
