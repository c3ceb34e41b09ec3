# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the supply chain share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.registries import real_registry
from tests.support.signing import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.ring()
    return made


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with real_registry(folder) as url:
        yield url.removeprefix("http://")
