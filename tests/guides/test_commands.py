# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does what the guides say, in a fresh clone and in the order of a reader.

`make guides` runs it; the local cluster is made and put away. Nothing but the guides' own commands is run,
so what they leave out would be missing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import checkouts, guides
from tests.unit.collection import ROOT, tracked

KUBECONFIG = "/var/lib/rampart/local/admin.kubeconfig"
# The newcomer's guide brings the cluster up and puts it away at its end: others are read in between.
NEWCOMER = "docs/guides/newcomer.md"
PUT_AWAY = "make stop"
LONGEST = 1800

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the local cluster needs root")


def in_order() -> list[guides.Commands]:
    """Return what is run, as it comes for somebody who reads everything."""
    newcomer = [one for one in guides.commands(ROOT, NEWCOMER) if one.is_run]
    end = next(number for number, one in enumerate(newcomer) if PUT_AWAY in one.text)
    others = [
        name for name in tracked() if name.startswith("docs/") and name.endswith(".md") and name != NEWCOMER
    ]
    between = [one for page in others for one in guides.commands(ROOT, page) if one.is_run]
    return [*newcomer[:end], *between, *newcomer[end:]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Take the collection as git would give it to a stranger."""
    folder = checkouts.clone(tmp_path_factory.mktemp("guides") / "rampart.k8s")
    yield folder
    subprocess.run(["make", "clean"], cwd=folder, check=True, capture_output=True, timeout=LONGEST)


@pytest.mark.parametrize("block", in_order(), ids=lambda block: f"{block.page}:{block.line}")
def test_the_commands_do_what_the_page_says(clone: Path, block: guides.Commands) -> None:
    # A reader has the virtual environment and the tools on the PATH, as the pages say.
    path = f"{clone}/.venv/bin:{Path.home()}/.cache/rampart/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block.text],
        cwd=clone,
        env={**os.environ, "PATH": path, "KUBECONFIG": KUBECONFIG},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    said = done.stdout + done.stderr
    assert (done.returncode != 0) is bool(block.refusal), said[-4000:]
    assert block.refusal in said
