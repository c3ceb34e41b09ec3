# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of image_scan begin with: scanners that do as they are told, and an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.images import docker_archive
from ansible_collections.rampart.k8s.tests.support.scanning import LAYERS, Fakes, arguments


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    """Scanners that do as they are told."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return Fakes(folder)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An image without anything to find."""
    path = tmp_path / "app.tar"
    docker_archive(path, LAYERS, User="65534")
    return path


@pytest.fixture
def given(tmp_path: Path, fakes: Fakes, image: Path) -> dict[str, Any]:
    """What the module is given to judge that image."""
    return arguments(tmp_path, fakes, [{"archive": str(image)}])
