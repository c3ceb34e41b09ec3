# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One site with the example in it, for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.example_site import Site
from tests.support.programs import tool


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Bring it up once."""
    if os.geteuid() != 0 or not tool("kubelet").exists():
        pytest.skip("needs root and the tools")
    made = Site.below(Path(tempfile.mkdtemp(prefix="rv-", dir="/var/tmp")))
    try:
        made.clone()
        made.play("site", "--tags=tools,cluster,environments,secrets,pipeline")
        made.serves()
        yield made
    finally:
        made.play("cluster_reset")
        shutil.rmtree(made.base, ignore_errors=True)
