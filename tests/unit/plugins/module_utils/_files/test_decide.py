# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import (
    Seen,
    Wanted,
    decide,
    difference,
    parse_mode,
    parse_path,
    refuse_conflicts,
)

FILE = Wanted(Path("/etc/x"), 0o600, b"new\n")
FOLDER = Wanted(Path("/etc/y"), 0o700)


@pytest.mark.parametrize(
    ("wanted", "seen", "action", "reason"),
    [
        (FILE, Seen("absent"), "created", "it does not exist"),
        (FILE, Seen("file", 0o600, True, b"old\n"), "replaced", "its content differs"),
        (FILE, Seen("file", 0o600, False, b"new\n"), "replaced", "it belongs to another user"),
        (FILE, Seen("file", 0o644, True, b"new\n"), "mode", "its mode is 0644, not 0600"),
        (FILE, Seen("file", 0o600, True, b"new\n"), "unchanged", "it is as it should be"),
        (FOLDER, Seen("absent"), "created", "it does not exist"),
        (FOLDER, Seen("directory", 0o755), "mode", "its mode is 0755, not 0700"),
        (FOLDER, Seen("directory", 0o700), "unchanged", "it is as it should be"),
    ],
)
def test_each_state_has_its_action_and_reason(wanted: Wanted, seen: Seen, action: str, reason: str) -> None:
    step = decide(wanted, seen)
    assert (step.action, step.reason) == (action, reason)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (FILE, Seen("other")),
        (FILE, Seen("directory")),
        (FOLDER, Seen("file")),
        (FOLDER, Seen("other")),
        (FOLDER, Seen("directory", 0o700, owned=False)),
    ],
)
def test_what_is_in_the_way_is_refused(wanted: Wanted, seen: Seen) -> None:
    with pytest.raises(RampartError, match=r"Next step: "):
        decide(wanted, seen)


@pytest.mark.parametrize("text", ["600", "420", "0o600", "0888", "u=rw", "", "06000000"])
def test_only_quoted_octal_modes_are_taken(text: str) -> None:
    with pytest.raises(RampartError, match="leading zero"):
        parse_mode(text, "/etc/x")


def test_modes_are_octal() -> None:
    assert parse_mode("0644", "/x") == 0o644
    assert parse_mode("01777", "/x") == 0o1777


@pytest.mark.parametrize("text", ["etc/x", "./x", "/etc/../x", ""])
def test_only_whole_paths_are_taken(text: str) -> None:
    with pytest.raises(RampartError, match="absolute path"):
        parse_path(text)


def test_a_path_given_twice_is_refused() -> None:
    with pytest.raises(RampartError, match="given twice"):
        refuse_conflicts([FILE, Wanted(FILE.path, 0o644, b"")])


def test_a_file_below_a_file_is_refused() -> None:
    with pytest.raises(RampartError, match="given as a file"):
        refuse_conflicts([FILE, Wanted(FILE.path / "below", 0o600, b"")])


def test_the_difference_of_a_secret_shows_no_content() -> None:
    wanted = Wanted(Path("/k"), 0o600, b"new-key-bytes", secret=True)
    shown = difference(decide(wanted, Seen("file", 0o600, True, b"old-key-bytes")))
    assert "key-bytes" not in repr(shown)
    assert shown["before"] != shown["after"]


def test_the_difference_of_a_mode_shows_both_modes() -> None:
    shown = difference(decide(FILE, Seen("file", 0o644, True, b"new\n")))
    assert (shown["before"], shown["after"]) == ("mode 0644\n", "mode 0600\n")
