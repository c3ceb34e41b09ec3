# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever way the collection is run, the same stages are there and do the same."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.checkouts import run
from tests.ways.conftest import Way

STAGES = (
    "preflight",
    "tools",
    "cluster",
    "environments",
    "platform",
    "secrets",
    "pipeline",
    "verify",
    "compliance",
    "report",
)


def test_the_module_comes_from_this_way(way: Way) -> None:
    """Neither another install on this machine nor the checkout under test may stand in for it."""
    done = run(
        ["ansible-doc", "-t", "module", "--json", "rampart.k8s.preflight_check"],
        cwd=way.cwd,
        environment=way.environment,
    )
    assert done.returncode == 0, done.stderr
    module = way.collection / "plugins/modules/preflight_check.py"
    assert f'"filename": "{module}"' in done.stdout


def test_the_stages_stand_in_order(way: Way) -> None:
    done = way.playbook("site", "--list-tasks")
    assert done.returncode == 0, done.stdout + done.stderr
    plays = [line for line in done.stdout.splitlines() if line.strip().startswith("play #")]
    # The plays of the pipeline have tags of their own besides.
    tags = [re.findall(r"\w+", play.split("TAGS: ")[1]) for play in plays]
    seen = list(dict.fromkeys(stage for found in tags for stage in STAGES if stage in found))
    assert seen == list(STAGES)


def test_a_module_runs(way: Way) -> None:
    done = way.playbook("preflight")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout


def test_check_mode_completes_on_an_empty_machine(way: Way, empty: Path) -> None:
    done = way.playbook("site", "--check", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed=0" in done.stdout
    assert list(empty.iterdir()) == []
