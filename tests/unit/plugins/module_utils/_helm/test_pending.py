# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a pending release was left alone, and how it is repaired."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm import pending
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import Head
from ansible_collections.rampart.k8s.plugins.module_utils._helm.pending import ROLLBACK, UNINSTALL, Stuck

HEAD = Head("s3", 3, "pending-upgrade", {}, "2026-01-01T00:00:00Z")
GOOD = Head("s2", 2, "deployed", {}, "2026-01-01T00:00:00Z")


def decide(
    good: Head | None = GOOD,
    *,
    age: float = 0.0,
    died: bool = False,
    processes: tuple[int, ...] = (),
    uninstall: bool = False,
) -> str:
    stuck = Stuck("dev/a", HEAD, age, died, processes)
    return pending.decide(stuck, good, after=600, allow_uninstall=uninstall)


def test_it_is_repaired_once_nobody_can_be_at_it() -> None:
    assert decide(died=True) == ROLLBACK
    assert decide(age=601) == ROLLBACK
    assert decide(None, died=True, uninstall=True) == UNINSTALL


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (lambda: decide(age=599), "some Helm may be at it"),
        (lambda: decide(age=9999, died=True, processes=(7, 8)), r"PID 7, 8"),
        (lambda: decide(None, died=True), "no revision to go back to"),
    ],
)
def test_otherwise_it_is_left_alone(refused: object, said: str) -> None:
    assert callable(refused)
    with pytest.raises(RampartError, match=said) as caught:
        refused()
    assert "Nothing was changed" in caught.value.message
    assert caught.value.next_step


def test_ages_are_taken_from_one_clock() -> None:
    assert pending.seconds_since("2026-11-27T21:10:00Z", "Fri, 27 Nov 2026 21:11:30 GMT") == 90
    assert pending.seconds_since("2026-11-27T21:12:00Z", "Fri, 27 Nov 2026 21:11:30 GMT") == 0


@pytest.mark.parametrize(
    ("line", "is_it"),
    [
        ("/usr/bin/helm upgrade a /chart --install --namespace dev", True),
        ("helm4 rollback a 3 -n dev", True),
        ("helm upgrade a chart --namespace=dev", True),
        ("helm upgrade a chart", True),
        ("helm upgrade a chart --namespace prod", False),
        ("helm upgrade b chart --namespace dev", False),
        ("helm status a --namespace dev", False),
        ("vi helm upgrade a", False),
        ("", False),
    ],
)
def test_a_helm_at_work_is_recognised(line: str, is_it: bool) -> None:
    assert pending.is_at_it(line.split(), "a", "dev") is is_it


def test_processes_are_read_from_proc(tmp_path: Path) -> None:
    for number, line in (("12", "helm\0upgrade\0a\0x\0"), ("13", "sh\0-c\0x\0"), ("self", "helm\0")):
        (tmp_path / number).mkdir()
        (tmp_path / number / "cmdline").write_text(line)
    (tmp_path / "14").mkdir()
    assert pending.processes("a", "dev", tmp_path) == (12,)
