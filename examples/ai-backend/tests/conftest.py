# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of the example may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from props import Issuer, Mount


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    """An empty mounted folder."""
    return Mount(tmp_path / "mount")


@pytest.fixture(scope="session")
def issuers() -> tuple[Issuer, Issuer]:
    """Two issuers; keys take time to make."""
    return Issuer("one"), Issuer("two")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is asked here is here."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
