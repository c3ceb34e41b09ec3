# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the provider."""

from __future__ import annotations

import os

from kit.service import run

from ai_provider.interface import Settings, make


def main() -> None:
    settings = Settings.of(os.environ)
    run("ai-provider", settings.common, lambda: make(settings))


if __name__ == "__main__":
    main()
