# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube import holder


@pytest.fixture(scope="module")
def dead() -> str:
    """Return the name of a holder whose process has ended."""
    program = (
        "from ansible_collections.rampart.k8s.plugins.module_utils._kube.holder import own_identity;"
        "print(own_identity())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_no_two_names_are_equal_and_ones_own_is_alive() -> None:
    one, other = holder.own_identity(), holder.own_identity()
    assert one != other
    assert not holder.has_died(one)


def test_a_process_that_ended_here_is_dead(dead: str) -> None:
    assert holder.has_died(dead)


def test_a_process_number_that_was_given_again_is_another_process() -> None:
    own = holder.own_identity()
    assert holder.has_died(re.sub(r"\.[0-9]+_", ".1_", own))


@pytest.mark.parametrize("file", ["BOOT", "NAMESPACE"])
def test_of_another_boot_or_container_nothing_is_known(
    dead: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    if file == "BOOT":
        other.write_text("another boot\n")
    else:
        other.symlink_to("pid:[1]")
    monkeypatch.setattr(holder, file, other)
    assert not holder.has_died(dead)


@pytest.mark.parametrize("name", ["", "somebody", "host_1_0123456789ab", "apiserver-x_uuid"])
def test_of_names_of_another_form_nothing_is_known(name: str) -> None:
    assert not holder.has_died(name)


def test_where_the_kernel_says_nothing_nothing_is_known(
    dead: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "BOOT", tmp_path / "missing")
    assert not holder.has_died(dead)
    assert not holder.has_died(holder.own_identity())
