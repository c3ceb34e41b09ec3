# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment: its definition, the sums it is built by, and what the tests run with agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "awx/execution-environment"
PIN = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+?)(?: ?; ?python_\w*version ([<>=]+) [\"'](\S+)[\"'])?(?: |$)", re.M
)
# The interpreter of the image is older than this, where lists differ.
BORDER = "3.12"


def pins(path: Path) -> dict[str, str]:
    """Return what a list pins for the interpreter of the image, by its normal name (PEP 503)."""
    found = PIN.findall(path.read_text(encoding="utf-8"))
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version, operator, border in found
        if not border or (operator == "<" and border == BORDER)
    }


def defined() -> Iterator[str]:
    """Yield what the definition pins."""
    definition = yaml.safe_load((FOLDER / "execution-environment.yml").read_text(encoding="utf-8"))
    wanted = definition["dependencies"]
    yield wanted["ansible_core"]["package_pip"]
    yield wanted["ansible_runner"]["package_pip"]
    yield from wanted["python"]


@pytest.mark.parametrize("pinned", list(defined()))
def test_the_definition_pins_what_is_fetched(pinned: str) -> None:
    name, _is, version = pinned.partition("==")
    assert pins(FOLDER / "requirements.txt")[name] == version


def test_what_is_fetched_is_what_the_tests_run_with() -> None:
    fetched = pins(FOLDER / "requirements.txt")
    tested = pins(ROOT / "requirements.txt") | pins(ROOT / "requirements-dev.txt")
    both = fetched.keys() & tested.keys()
    assert {name: fetched[name] for name in both} == {name: tested[name] for name in both}


def test_everything_that_modules_import_is_fetched() -> None:
    lines = (ROOT / "meta/ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    needed = {
        re.sub(r"[-_.]+", "-", re.split(r"[>=<]", line)[0]).lower() for line in lines if line[:1].isalpha()
    }
    assert needed
    assert needed <= pins(FOLDER / "requirements.txt").keys()
