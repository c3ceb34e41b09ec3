# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import recipe

BASE = recipe.Base("rampart.local/debian", "bookworm", "", ("systemd", "dbus"), "x86_64")


def a_build(folder: Path) -> recipe.Build:
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY tool /tool\n")
    (folder / "tool").write_text("one")
    return recipe.Build(
        "rampart.local/node", folder / "Dockerfile", {"tool": folder / "tool"}, {"VERSION": "1"}
    )


def save(path: Path, key: str, layers: tuple[str, ...] = ("layer.tar",)) -> None:
    """Write an archive in the form of `docker save`."""
    members = {
        "manifest.json": json.dumps(
            [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["layer.tar"]}]
        ).encode(),
        "c.json": json.dumps({"config": {"Labels": {recipe.LABEL: key}}}).encode(),
        **dict.fromkeys(layers, b"x" * 2000),
    }
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_the_order_of_packages_makes_no_other_base() -> None:
    assert replace(BASE, packages=("dbus", "systemd")).key == BASE.key


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, suite="trixie"),
        replace(BASE, mirror="http://mirror.example"),
        replace(BASE, packages=("dbus",)),
        replace(BASE, architecture="aarch64"),
    ],
)
def test_every_part_of_the_base_is_in_its_key(other: recipe.Base) -> None:
    assert other.reference != BASE.reference


def test_every_part_of_an_image_is_in_its_key(tmp_path: Path) -> None:
    build = a_build(tmp_path)
    keys = [build.key(BASE), build.key(replace(BASE, suite="trixie"))]
    keys.append(replace(build, arguments={"VERSION": "2"}).key(BASE))
    keys.append(replace(build, context={"other": tmp_path / "tool"}).key(BASE))
    (tmp_path / "tool").write_text("two")
    keys.append(build.key(BASE))
    build.dockerfile.write_text("ARG BASE\nFROM ${BASE}\n")
    keys.append(build.key(BASE))
    assert len(set(keys)) == len(keys)


def test_the_same_parts_at_another_place_are_the_same_image(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert a_build(one).key(BASE) == a_build(other).key(BASE)


def test_a_missing_part_is_an_error_that_names_it_except_in_check_mode(tmp_path: Path) -> None:
    build = a_build(tmp_path)
    (tmp_path / "tool").unlink()
    with pytest.raises(RampartError, match=r"tool, a part of minikube's node image"):
        build.key(BASE)
    assert build.key(BASE, may_lack=True)


def test_an_image_that_is_saved_keeps_the_name_that_it_was_given(tmp_path: Path) -> None:
    build = a_build(tmp_path)
    assert build.reference("0" * 64) == "rampart.local/node:0000000000000000"
    saved = replace(build, image="registry.k8s.io/kube-proxy:v1", archive=tmp_path / "a.tar")
    assert saved.reference("0" * 64) == "registry.k8s.io/kube-proxy:v1"


def test_a_folder_stands_for_the_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "kicbase" / "automount").mkdir(parents=True)
    (tmp_path / "kicbase" / "automount" / "unit").touch()
    (tmp_path / "tool").touch()
    files = recipe.expand(
        {"kicbase": tmp_path / "kicbase", "bin/tool": tmp_path / "tool", "absent": tmp_path / "no"}
    )
    assert sorted(files) == ["absent", "bin/tool", "kicbase/automount/unit"]


@pytest.mark.parametrize("name", ["--unpack-tarball=x", "a,b", "A", ""])
def test_what_is_no_package_is_refused(name: str) -> None:
    with pytest.raises(RampartError, match="cannot be the name of a Debian package"):
        recipe.check_packages(["systemd", name])


def test_real_names_of_packages_are_accepted() -> None:
    recipe.check_packages(["libstdc++6", "iproute2", "python3.11"])


def test_the_key_of_an_archive_is_read_back(tmp_path: Path) -> None:
    save(tmp_path / "a.tar", "4711")
    assert recipe.archive_key(tmp_path / "a.tar") == "4711"


def test_an_archive_that_is_not_whole_has_no_key(tmp_path: Path) -> None:
    save(tmp_path / "lacking.tar", "4711", layers=())
    save(tmp_path / "whole.tar", "4711")
    (tmp_path / "cut.tar").write_bytes((tmp_path / "whole.tar").read_bytes()[:3000])
    (tmp_path / "text.tar").write_text("no archive")
    for name in ("lacking.tar", "cut.tar", "text.tar", "absent.tar"):
        assert recipe.archive_key(tmp_path / name) == ""
