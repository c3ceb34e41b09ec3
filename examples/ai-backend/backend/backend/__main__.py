# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the backend."""

from __future__ import annotations

import os

from kit.service import run

from backend.configuration import Settings
from backend.interface import make


def main() -> None:
    settings = Settings.of(os.environ)
    run("backend", settings.common, lambda: make(settings))


if __name__ == "__main__":
    main()
