# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script that looks into a pod, run by the shells that pods have."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import Place
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import Executed
from ansible_collections.rampart.k8s.plugins.module_utils._rotation import seen

VALUES = [
    b"plain",
    b"",
    b"two\nlines\n",
    b"\x00\xff\x00",
    b"  spaces  ",
    b"-n",
    b"$(reboot) `id` 'x' \"y\"",
    "ü".encode(),
]
# What stands in for the first word of a command: the shells that containers have, or a Python alone.
PYTHON = ["python3"]
SHELLS = [["sh"], ["bash", "--posix"], ["busybox", "sh"], PYTHON]


class Local:
    """Runs a command here, with a standard input that does not end before the command."""

    def __init__(self, shell: list[str], environment: dict[str, Any] | None = None) -> None:
        self._shell, self._environment = shell, environment or {}
        self.said = b""

    def run(
        self,
        _namespace: str,
        _pod: str,
        _container: str,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: float = 0,
    ) -> Executed:
        if (argv[0] == "python3") != (self._shell == PYTHON):
            return Executed(-1, b"", b"", "no such file")
        child = subprocess.Popen(
            [*self._shell, *argv[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", **self._environment},
        )
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.write(stdin)
        child.stdin.flush()
        self.said, errors = child.stdout.read(), child.stderr.read()
        rc = child.wait(10)
        child.stdin.close()
        child.stdout.close()
        child.stderr.close()
        return Executed(rc, self.said, errors)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_files_are_compared_byte_by_byte(shell: list[str], tmp_path: Path) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    places, held = [], {}
    for number, value in enumerate(VALUES):
        path = tmp_path / f"v {number}"
        path.write_bytes(value)
        places.append(Place("main", str(path), f"k{number}", True, True))
        held[f"k{number}"] = value
    local = Local(shell)
    assert seen.look(local, "dev", "p", "main", places, held) == seen.Look()  # type: ignore[arg-type]
    assert b"plain" not in local.said
    wrong = seen.look(local, "dev", "p", "main", places, {**held, "k0": b"plaim", "k3": b"\x00\xff"})  # type: ignore[arg-type]
    assert [place.key for place in wrong.wrong] == ["k0", "k3"]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_variables_are_compared_as_they_were_given(shell: list[str]) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    held = {f"K{number}": value for number, value in enumerate(VALUES) if b"\x00" not in value}
    held |= {"key": b"a name that the script could have"}
    places = [Place("main", name, name, False, False) for name in held]
    local = Local(shell, {name: value.decode(errors="surrogateescape") for name, value in held.items()})
    assert seen.look(local, "dev", "p", "main", places, held) == seen.Look()  # type: ignore[arg-type]
    assert seen.look(local, "dev", "p", "main", places, {**held, "K0": b"other"}).wrong == (places[0],)  # type: ignore[arg-type]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("name", ["with.dot", "0", "a-b"])
def test_a_variable_that_no_shell_can_name_is_seen_or_that_is_said(shell: list[str], name: str) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    place, local = Place("main", name, "k", False, False), Local(shell, {name: "value"})
    looked = seen.look(local, "dev", "p", "main", [place], {"k": b"value"})  # type: ignore[arg-type]
    assert looked.wrong == ()
    assert looked.blind or seen.look(local, "dev", "p", "main", [place], {"k": b"x"}).wrong == (place,)  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    place = Place("main", str(tmp_path / "none"), "k", True, True)
    assert seen.look(Local(["sh"]), "dev", "p", "main", [place], {"k": b"x"}).wrong == (place,)  # type: ignore[arg-type]


def test_two_looks_show_different_hashes(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"same")
    place, local = Place("main", str(tmp_path / "v"), "k", True, True), Local(["sh"])
    said = []
    for _number in range(2):
        seen.look(local, "dev", "p", "main", [place], {"k": b"same"})  # type: ignore[arg-type]
        said.append(local.said)
    assert said[0] != said[1]


@pytest.mark.parametrize(
    "ended",
    [Executed(-1, b"", b"", "no such file"), Executed(127, b"", b"sha256sum: not found")],
    ids=["no shell", "no tools"],
)
def test_what_cannot_be_seen_is_said(ended: Executed) -> None:
    asked = []

    class Blind:
        def run(self, *given: Any, **_unused: Any) -> Executed:
            asked.append(given[3][0])
            return ended

    place = Place("main", "/x", "k", True, True)
    looked = seen.look(Blind(), "dev", "p", "main", [place], {"k": b"x"})  # type: ignore[arg-type]
    assert looked.blind.startswith("it has neither a shell")
    assert asked == ["sh", "python3"]
