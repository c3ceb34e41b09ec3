# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is rendered is read back by supervisor's own reader."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.config import (
    Layout,
    LogLimits,
    head_fingerprint,
    render,
)
from ansible_collections.rampart.k8s.plugins.module_utils._supervise.program import Program, check
from hypothesis import given, settings
from hypothesis import strategies as st
from supervisor.options import ServerOptions

LIMITS = LogLimits(1000, 2)

ARGUMENT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
ARGUMENTS = ["a ;b", "#", " #x", "%", "%(here)s", "'", '"', "\\", ""]
VALUES = ["", "a=b,c=d", "50%", "%(ENV_HOME)s", "it's", 'say "x" now', "a#b;c"]


def read_back(folder: Path, *programs: Program) -> list[Any]:
    layout = Layout(folder)
    layout.logs.mkdir(exist_ok=True)
    text = render(layout, LIMITS, programs, {program.name: {"definition": "0"} for program in programs})
    layout.config.write_text(text, encoding="utf-8")
    options = ServerOptions()
    options.realize(["-c", str(layout.config)])
    return [config for group in options.process_group_configs for config in group.process_configs]


@given(arguments=st.lists(ARGUMENT | st.sampled_from(ARGUMENTS)))
@settings(max_examples=60, deadline=None)
def test_every_argument_arrives_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, arguments: list[str]
) -> None:
    program = Program("one", ("/bin/true", *arguments), {})
    (config,) = read_back(tmp_path_factory.mktemp("s"), program)
    assert tuple(shlex.split(config.command)) == program.argv


@given(value=ARGUMENT | st.sampled_from(VALUES))
@settings(max_examples=60, deadline=None)
def test_every_value_arrives_as_it_is_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    program = Program("one", ("/bin/true",), {"VALUE": value})
    try:
        check(program)
    except RampartError:
        return
    (config,) = read_back(tmp_path_factory.mktemp("s"), program)
    assert config.environment["VALUE"] == value


def test_the_settings_arrive(tmp_path: Path) -> None:
    first = Program("b", ("/bin/true",), {}, priority=1, stop_signal="INT", stop_seconds=7, start_seconds=0)
    second = Program("a", ("/bin/true",), {}, priority=2, autostart=False)
    one, two = read_back(tmp_path, second, first)
    assert (one.name, one.priority, one.stopsignal, one.stopwaitsecs, one.startsecs) == ("b", 1, 2, 7, 0)
    assert (one.autostart, two.autostart) == (True, False)
    assert (one.stdout_logfile, one.stdout_logfile_maxbytes) == (str(tmp_path / "logs/b.log"), 1000)
    assert (one.stdout_logfile_backups, one.redirect_stderr, one.umask) == (2, True, 0o022)
    assert one.environment["RAMPART_PROGRAM"] == f"{tmp_path}/b"
    assert one.environment["RAMPART_STOP"] == "1 INT 7"


def test_the_head_changes_with_the_limits_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert head_fingerprint(layout, LIMITS) == head_fingerprint(layout, LogLimits(1000, 2))
    assert head_fingerprint(layout, LIMITS) != head_fingerprint(layout, LogLimits(1000, 3))


@pytest.mark.parametrize(
    ("directory", "message"),
    [
        ("/" + "x" * 100, "longer path than the kernel allows"),
        ("relative", "not an absolute path"),
        ("/a b", "not an absolute path without spaces"),
        ("/a#b", "not an absolute path without spaces"),
    ],
)
def test_an_unfit_directory_is_refused(directory: str, message: str) -> None:
    with pytest.raises(RampartError, match=message):
        Layout(Path(directory)).check()


def test_the_longest_allowed_directory_can_be_bound() -> None:
    name = "/" + "x" * 70
    Layout(Path(name)).check()
    with pytest.raises(RampartError):
        Layout(Path(name + "x" * 20)).check()
