# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import (
    MARK_FINGERPRINT,
    Program,
    check,
    differences,
    parse_fingerprint,
)

PROGRAM = Program("etcd", ("/bin/etcd", "--config=/x"), {"A": "1"})


def test_the_fingerprint_survives_the_way_through_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "a=b.conf"
    file.write_text("x")
    program = replace(PROGRAM, reads=(file,))
    wanted = program.fingerprint({})
    marks = program.marks(tmp_path, wanted)
    assert parse_fingerprint(marks[MARK_FINGERPRINT]) == wanted
    assert differences(wanted, wanted) == []


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ("/bin/etcd",)},
        {"environment": {"A": "2"}},
        {"priority": 1},
        {"start_seconds": 9},
        {"stop_signal": "INT"},
        {"stop_seconds": 99},
        {"autostart": False},
    ],
)
def test_any_change_of_the_definition_shows(change: dict[str, object]) -> None:
    other = replace(PROGRAM, **change)  # type: ignore[arg-type]
    assert differences(other.fingerprint({}), PROGRAM.fingerprint({})) == ["its definition changed"]


def test_a_change_of_the_log_settings_shows() -> None:
    old = PROGRAM.fingerprint({"log_backups": 3})
    assert differences(PROGRAM.fingerprint({"log_backups": 4}), old) == ["its definition changed"]


def test_each_file_is_named(tmp_path: Path) -> None:
    kept, changed, dropped = (tmp_path / name for name in ("kept", "changed", "dropped"))
    for path in (kept, changed, dropped):
        path.write_text("old")
    old = replace(PROGRAM, reads=(kept, changed, dropped)).fingerprint({})
    changed.write_text("new")
    new = replace(PROGRAM, reads=(kept, changed)).fingerprint({})
    assert differences(new, old) == [f"{changed}, which it reads, changed", f"it no longer reads {dropped}"]


def test_a_process_without_marks_differs() -> None:
    assert differences(PROGRAM.fingerprint({}), {}) == ["its definition changed"]


def test_a_file_that_is_not_there_yet_has_a_print(tmp_path: Path) -> None:
    program = replace(PROGRAM, reads=(tmp_path / "later",))
    absent = program.fingerprint({})
    (tmp_path / "later").write_text("")
    assert differences(program.fingerprint({}), absent) != []


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="Could not read"):
        replace(PROGRAM, reads=(tmp_path,)).fingerprint({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a/b"}, "unfit name"),
        ({"name": "A"}, "unfit name"),
        ({"name": ""}, "unfit name"),
        ({"argv": ()}, "no absolute path"),
        ({"argv": ("etcd",)}, "no absolute path"),
        ({"argv": ("/bin/etcd", "a\nb")}, "line break"),
        ({"environment": {"1A": ""}}, "has the variable"),
        ({"environment": {"RAMPART_PROGRAM": ""}}, "has the variable"),
        ({"environment": {"A": "x\ny"}}, "cannot carry"),
        ({"environment": {"A": "x ; y"}}, "cannot carry"),
        ({"environment": {"A": "x # y"}}, "cannot carry"),
        ({"environment": {"A": 'it\'s "so" x'}}, "cannot carry"),
        ({"environment": {"A": "'x"}}, "cannot carry"),
        ({"environment": {"A": 'x"'}}, "cannot carry"),
        ({"reads": (Path("relative"),)}, "not an absolute path"),
        ({"reads": (Path("/a,b"),)}, "without spaces"),
        ({"stop_signal": "NONE"}, "unknown stop signal"),
        ({"after": ("127.0.0.1:6443",)}, "neither https://host:port"),
        ({"after": ("run/a.sock",)}, "neither https://host:port"),
        ({"owns": (Path("/data"),)}, "has no user"),
        ({"user": "a user"}, "unfit user"),
    ],
)
def test_what_supervisor_could_not_run_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RampartError, match=message):
        check(replace(PROGRAM, **change))  # type: ignore[arg-type]


def test_a_plain_program_passes() -> None:
    check(PROGRAM)
