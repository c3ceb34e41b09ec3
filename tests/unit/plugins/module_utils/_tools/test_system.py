# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import Answer
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import parse
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory
from ansible_collections.rampart.k8s.plugins.module_utils._tools.system import SystemPath, require_versions
from ansible_collections.rampart.k8s.tests.support.tools import entry, script, sha256


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "verified.json")


def put(folder: Path, content: bytes, name: str = "hello", mode: int = 0o755) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_bytes(content)
    program.chmod(mode)
    return program


def ask(tmp_path: Path, memory: Memory, path: str, **more: Any) -> Answer:
    return SystemPath(path, bin_dir=tmp_path / "own", memory=memory).answer(parse(entry(**more), "amd64"))


def test_a_program_in_the_wanted_version_serves(tmp_path: Path, memory: Memory) -> None:
    program = put(tmp_path / "a", script("1.2.3"))
    answer = ask(tmp_path, memory, f"{tmp_path / 'empty'}:{tmp_path / 'a'}")
    assert answer.usable
    assert answer.files == {"bin/hello": str(program)}
    assert answer.sums == {"bin/hello": sha256(script("1.2.3"))}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (script("1.2.4"), "is 1.2.4, wanted ==1.2.3"),
        (b"#!/bin/sh\nexit 0\n", "does not say its version"),
        (b"#!/bin/sh\necho v1.2.3; exit 3\n", "does not say its version"),
        (b"#!/no/such/interpreter\n", "does not say its version"),
    ],
)
def test_another_program_does_not(tmp_path: Path, memory: Memory, content: bytes, note: str) -> None:
    put(tmp_path / "a", content)
    answer = ask(tmp_path, memory, str(tmp_path / "a"))
    assert not answer.usable
    assert answer.note.endswith(note if note.startswith("is") else f"{note}, wanted ==1.2.3")


def test_a_range_and_another_name(tmp_path: Path, memory: Memory) -> None:
    program = put(tmp_path / "a", script("1.9"), name="hello-19")
    system = {"ask": {"bin/hello": ["-v"]}, "accept": ">=1.2,<2", "programs": {"bin/hello": "hello-19"}}
    assert ask(tmp_path, memory, str(tmp_path / "a"), system=system).files == {"bin/hello": str(program)}


def test_what_a_python_package_brings_is_looked_for_beside_the_interpreter(
    tmp_path: Path, memory: Memory
) -> None:
    beside = put(tmp_path / "venv", script("1.2.3"))
    on_path = put(tmp_path / "a", script("1.2.3"))

    def found(system: dict[str, Any]) -> Answer:
        path = SystemPath(
            str(tmp_path / "a"),
            bin_dir=tmp_path / "own",
            memory=memory,
            interpreter=str(tmp_path / "venv/python"),
        )
        return path.answer(parse(entry(system=system), "amd64"))

    ask_version = {"ask": {"bin/hello": ["-v"]}}
    assert found({**ask_version, "python": "hello-bin"}).files == {"bin/hello": str(beside)}
    assert found(ask_version).files == {"bin/hello": str(on_path)}
    beside.unlink()
    assert found({**ask_version, "python": "hello-bin"}).files == {"bin/hello": str(on_path)}
    on_path.unlink()
    assert str(tmp_path / "venv") in found({**ask_version, "python": "hello-bin"}).note


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_program_that_others_can_write_to_is_not_trusted(tmp_path: Path, memory: Memory, mode: int) -> None:
    put(tmp_path / "a", script("1.2.3"), mode=mode)
    answer = ask(tmp_path, memory, str(tmp_path / "a"))
    assert not answer.usable
    assert "can be written by other users" in answer.note


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_program_of_another_user_is_not_trusted(tmp_path: Path, memory: Memory) -> None:
    os.chown(put(tmp_path / "a", script("1.2.3")), 12345, 12345)
    assert not ask(tmp_path, memory, str(tmp_path / "a")).usable


def test_our_own_links_are_not_taken_for_installed_programs(tmp_path: Path, memory: Memory) -> None:
    put(tmp_path / "own", script("1.2.3"))
    assert ask(tmp_path, memory, str(tmp_path / "own")).note == "hello is not on PATH"


def test_relative_folders_of_the_path_are_left_out(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "a", script("1.2.3"))
    monkeypatch.chdir(tmp_path)
    assert not ask(tmp_path, memory, "a:.:").usable


@pytest.mark.parametrize(
    "more", [{"system": None}, {"data": {"share/hello/x": {"module": "m", "path": "p"}}}]
)
def test_a_tool_that_cannot_be_recognised_is_not_looked_for(
    tmp_path: Path, memory: Memory, more: dict[str, Any]
) -> None:
    put(tmp_path / "a", script("1.2.3"))
    assert ask(tmp_path, memory, str(tmp_path / "a"), **more).note == "not looked for on PATH"


def test_a_program_is_asked_once_until_it_changes(
    tmp_path: Path, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible_collections.rampart.k8s.plugins.module_utils._tools.memory.RACY_SECONDS", -1)
    counting = f"#!/bin/sh\necho >> {tmp_path}/asked\necho 1.2.3\n".encode()
    put(tmp_path / "a", counting)
    for _run in range(3):
        assert ask(tmp_path, memory, str(tmp_path / "a")).usable
    assert (tmp_path / "asked").read_text() == "\n"
    put(tmp_path / "a", script("9.9.9"))
    assert not ask(tmp_path, memory, str(tmp_path / "a")).usable


def test_a_new_artifact_must_run_and_say_the_wanted_version(tmp_path: Path, memory: Memory) -> None:
    tool = parse(entry(), "amd64")
    program = put(tmp_path / "a", script("1.2.3"))
    require_versions(tool, {"bin/hello": str(program)}, memory)
    put(tmp_path / "a", script("1.2.4"))
    with pytest.raises(RampartError, match=r"says that it is 1\.2\.4"):
        require_versions(tool, {"bin/hello": str(program)}, Memory(tmp_path / "none"))
    put(tmp_path / "a", b"\x7fELF for another architecture")
    with pytest.raises(RampartError, match="does not run"):
        require_versions(tool, {"bin/hello": str(program)}, Memory(tmp_path / "none"))
