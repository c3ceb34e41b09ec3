# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the agent."""

from __future__ import annotations

import os

from kit.service import run

from agent.configuration import Settings
from agent.interface import make


def main() -> None:
    settings = Settings.of(os.environ)
    run("agent", settings.common, lambda: make(settings))


if __name__ == "__main__":
    main()
