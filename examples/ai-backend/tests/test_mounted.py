# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounted files are read again when they change, all of one moment, and only when they can be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from kit.mounted import LARGEST, Mounted, MountError, text
from props import Mount

PAIR = ("username", "password")


def pair(files: Mapping[str, bytes]) -> tuple[str, str]:
    return text(files["username"]), text(files["password"])


def test_a_change_counts_with_the_next_look(mount: Mount) -> None:
    mount.write(username="app_a", password="first\n")
    mounted = Mounted(mount.folder, PAIR, pair)
    assert mounted.value() == ("app_a", "first")
    mount.write(username="app_b", password="second")
    assert mounted.value() == ("app_b", "second")
    assert mounted.version == 2


def test_what_did_not_change_is_not_read_as_new(mount: Mount) -> None:
    mount.write(username="app_a", password="first")
    mounted = Mounted(mount.folder, PAIR, pair)
    first = mounted.value()
    mount.write(username="app_a", password="first")
    assert mounted.value() is first
    assert mounted.version == 1


def test_files_of_two_moments_are_never_mixed(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two files the link moves: what was begun is read to its end."""
    mount.write(username="app_a", password="first")
    mounted = Mounted(mount.folder, PAIR, pair)
    opened = Path.open

    def swap_after_the_first(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "password" and path.parent.name == "..1":
            mount.write(username="app_b", password="second")
        return opened(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", swap_after_the_first)
    assert mounted.value() == ("app_a", "first")
    assert mounted.value() == ("app_b", "second")


@pytest.mark.parametrize("content", ["", " \n", "x" * (LARGEST + 1)], ids=["empty", "blank", "too large"])
def test_what_cannot_be_used_keeps_what_was(mount: Mount, content: str) -> None:
    mount.write(username="app_a", password="first")
    mounted = Mounted(mount.folder, PAIR, pair)
    mounted.value()
    mount.write(username="app_b", password=content)
    assert mounted.value() == ("app_a", "first")


def test_a_folder_that_goes_keeps_what_was(mount: Mount) -> None:
    mount.write(username="app_a", password="first")
    mounted = Mounted(mount.folder, PAIR, pair)
    mounted.value()
    (mount.folder / "..data").unlink()
    assert mounted.value() == ("app_a", "first")


def test_at_the_beginning_there_is_nothing_to_keep(mount: Mount) -> None:
    mount.write(username="app_a", password="secret-word\0")
    mounted = Mounted(mount.folder, ("username", "other"), pair)
    with pytest.raises(MountError) as raised:
        mounted.value()
    assert "secret-word" not in str(raised.value)


def test_all_files_of_a_folder_count_where_none_is_named(mount: Mount) -> None:
    mount.write(dev="1", prod="2")
    mounted = Mounted(mount.folder, (), sorted)
    assert mounted.value() == ["dev", "prod"]
