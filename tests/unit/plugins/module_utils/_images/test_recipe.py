# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import (
    Entry,
    Recipe,
    check,
    layout,
    parse_entry,
)

FILE = Entry("/usr/bin/tool", 0o755, Path("/bin/true"))
RECIPE = Recipe("a/b", "1", (FILE,), ("/usr/bin/tool",), (), "65532", {}, {}, Path("/archive"))


def test_a_plain_recipe_passes() -> None:
    check([RECIPE], registry=False)
    check([replace(RECIPE, archive=None)], registry=True)


@pytest.mark.parametrize(
    "name", ["a", "a/b", "registry.k8s.io/coredns/coredns", "localhost:5000/x", "a__b-c.d"]
)
def test_names_of_images(name: str) -> None:
    check([replace(RECIPE, name=name)], registry=True)


@pytest.mark.parametrize("name", ["", "A", "a//b", "/a", "a/", "a..b", "a b", "a/../b", "a@b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(RampartError, match="cannot be the name"):
        check([replace(RECIPE, name=name)], registry=True)


@pytest.mark.parametrize("tag", ["", "a/b", "-a", "a b", "x" * 129, "ü"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(RampartError, match="cannot be the name"):
        check([replace(RECIPE, tag=tag)], registry=True)


def test_an_image_needs_a_place_to_go_files_and_its_own_tag() -> None:
    with pytest.raises(RampartError, match="neither a registry nor an archive"):
        check([replace(RECIPE, archive=None)], registry=False)
    with pytest.raises(RampartError, match="has no files"):
        check([replace(RECIPE, entries=())], registry=True)
    with pytest.raises(RampartError, match="given twice"):
        check([RECIPE, RECIPE], registry=True)


def test_the_layout_is_the_same_for_any_order() -> None:
    entries = (
        FILE,
        Entry("/usr/bin-x", 0o644, Path("/x")),
        Entry("/tmp", 0o1777),
        Entry("/usr/bin/sh", 0o777, link="busybox"),
    )
    expected = ["/tmp", "/usr", "/usr/bin", "/usr/bin/sh", "/usr/bin/tool", "/usr/bin-x"]
    for order in (entries, entries[::-1]):
        found = layout(replace(RECIPE, entries=order))
        assert [entry.path for entry in found] == expected
        assert [entry.kind for entry in found] == ["folder", "folder", "folder", "link", "file", "file"]
        assert found[0].mode == 0o1777


@pytest.mark.parametrize("above", [Entry("/usr", 0o755, Path("/x")), Entry("/usr", 0o777, link="/x")])
def test_only_folders_hold_files(above: Entry) -> None:
    with pytest.raises(RampartError, match="lies below /usr"):
        layout(replace(RECIPE, entries=(FILE, above)))


def test_a_path_given_twice_is_refused() -> None:
    with pytest.raises(RampartError, match="given twice"):
        layout(replace(RECIPE, entries=(FILE, FILE)))


@pytest.mark.parametrize("path", ["usr", "/", "/usr/", "//usr", "/usr/../etc", "/./x", ""])
def test_paths_are_absolute_and_short(path: str) -> None:
    with pytest.raises(RampartError, match="shortest form"):
        parse_entry("x", path, "0755", None, None)


def test_entries_are_one_thing() -> None:
    with pytest.raises(RampartError, match="either source or link"):
        parse_entry("x", "/a", "0755", "/b", "c")
    with pytest.raises(RampartError, match="not an absolute path"):
        parse_entry("x", "/a", "0755", "b", None)
    with pytest.raises(RampartError, match="leading zero"):
        parse_entry("x", "/a", "493", "/b", None)
    assert parse_entry("x", "/tmp", "01777", None, None) == Entry("/tmp", 0o1777)
