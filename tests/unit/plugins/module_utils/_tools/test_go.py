# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import go as go_module_under_test
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import GoBuild, Tool, parse
from ansible_collections.rampart.k8s.plugins.module_utils._tools.go import Go, wanted_version
from ansible_collections.rampart.k8s.tests.support.tools import go_entry, go_module


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    go_module(tmp_path / "modules")
    return tmp_path / "modules"


def tool(**more: object) -> tuple[Tool, GoBuild]:
    parsed = parse(go_entry(**more), "amd64")
    assert parsed.go
    return parsed, parsed.go


def fake_go(folder: Path, version: str) -> None:
    folder.mkdir()
    (folder / "go").write_text(f'#!/bin/sh\necho \'{{"GOVERSION": "{version}"}}\'\n')
    (folder / "go").chmod(0o755)


@pytest.mark.parametrize(
    ("text", "version"),
    [("module m\n\ngo 1.26.6\n", "1.26.6"), ("module m\ngo 1.21\n", "1.21"), ("module m\n", "1.21")],
)
def test_the_version_that_a_module_wants(text: str, version: str) -> None:
    assert wanted_version(text) == version


def test_a_missing_toolchain_is_named(modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(go_module_under_test, "_USUAL", str(tmp_path / "none"))
    go = Go(modules)
    assert go.version == ""
    assert go.trouble(tool()[1]) == "no Go toolchain is here to build it (Go 1.21 or newer)"


@pytest.mark.parametrize(
    ("version", "wanted", "old"),
    [
        ("go1.20.14", "1.21", True),
        ("go1.26.5", "1.26.6", True),
        ("go1.26.6", "1.26.6", False),
        ("go1.27", "1.26.6", False),
        ("go1.26.8 X:jsonv2", "1.26.6", False),
    ],
)
def test_an_old_toolchain_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, wanted: str, old: bool
) -> None:
    go_module(tmp_path / "modules", go_version=wanted)
    fake_go(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    trouble = Go(tmp_path / "modules").trouble(tool()[1])
    assert trouble == (f"{version} is too old to build it (Go {wanted} or newer is needed)" if old else "")


def test_a_c_compiler_is_asked_for_only_where_c_is_compiled(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path / "bin", "go1.26.8")
    go = Go(modules)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert go.trouble(tool(cgo=False)[1]) == ""
    assert go.trouble(tool(cgo=True)[1]) == "no C compiler is here to build it"


def test_a_module_that_is_not_whole_is_refused(modules: Path) -> None:
    (modules / "hello/go.sum").unlink()
    with pytest.raises(RampartError, match=r"needs go\.mod and go\.sum"):
        Go(modules).recipe(*tool(), "amd64")


def test_everything_that_decides_the_result_is_in_the_recipe(modules: Path) -> None:
    go = Go(modules)
    seen = [go.recipe(*tool(), "amd64")]
    assert go.recipe(*tool(), "amd64") == seen[0]
    assert go.recipe(*tool(memory_mb=999, disk_mb=999), "amd64") == seen[0]
    seen.append(go.recipe(*tool(), "arm64"))
    seen.append(go.recipe(*tool(ldflags=["-X main.version=1.2.4"]), "amd64"))
    seen.append(go.recipe(*tool(tags=["netgo"]), "amd64"))
    seen.append(go.recipe(*tool(cgo=True), "amd64"))
    seen.append(go.recipe(*tool(experiment="jsonv2"), "amd64"))
    seen.append(go.recipe(*tool(packages={"bin/hello": "example.test/hello/v2"}), "amd64"))
    for name in ("go.mod", "go.sum", "main.go", "new.go"):
        with (modules / "hello" / name).open("a") as stream:
            stream.write("\n")
        seen.append(go.recipe(*tool(), "amd64"))
    assert all(one != other for number, one in enumerate(seen) for other in seen[:number])


def build(modules: Path, tmp_path: Path, parsed: tuple[Tool, GoBuild]) -> Path:
    work, out = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    out.mkdir()
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        Go(modules).build(*parsed, work, out, lock=lock)
    finally:
        os.close(lock)
    return out


def test_a_build_from_a_read_only_module(
    modules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a user has set for his own builds does not reach this one.
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOEXPERIMENT", "no-such-experiment")
    monkeypatch.setenv("GOOS", "windows")
    for path in (*modules.rglob("*"), modules):
        path.chmod(0o555 if path.is_dir() else 0o444)
    program = build(modules, tmp_path, tool()) / "bin/hello"
    assert b"go1." in program.read_bytes()
    assert program.stat().st_mode & 0o111
    assert program.read_bytes()[:4] == b"\x7fELF"


@pytest.mark.parametrize(
    ("change", "message", "advice"),
    [
        ({"main.go": "package main\n\nfunc main() { no }\n"}, "undefined: no", "the compiler"),
        (
            {"main.go": 'package main\n\nimport _ "example.test/other"\n\nfunc main() {}\n'},
            "import lookup disabled",
            "go.mod and go.sum",
        ),
        (
            {"go.mod": "module example.test/hello\n\ngo 1.21\n\nrequire example.test/other v1.0.0\n",
             "main.go": 'package main\n\nimport _ "example.test/other"\n\nfunc main() {}\n'},
            "missing go.sum entry", "go.mod and go.sum",
        ),
        (
            {"go.mod": "module example.test/hello\n\ngo 1.21\n\nrequire example.test/other v1.0.0\n",
             "go.sum": "".join(f"example.test/other v1.0.0{x} h1:{'A' * 43}=\n" for x in ("", "/go.mod")),
             "main.go": 'package main\n\nimport _ "example.test/other"\n\nfunc main() {}\n'},
            "module lookup disabled", "module proxy",
        ),
    ],
)  # fmt: skip
def test_a_build_that_fails_says_why(
    modules: Path, tmp_path: Path, change: dict[str, str], message: str, advice: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GOPROXY", "off")
    for name, content in change.items():
        (modules / "hello" / name).write_text(content)
    with pytest.raises(RampartError) as raised:
        build(modules, tmp_path, tool())
    assert raised.value.message.startswith("Could not build hello 1.2.3:")
    assert message in raised.value.message
    assert advice in raised.value.next_step
