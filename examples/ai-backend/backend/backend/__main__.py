# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the backend."""

from __future__ import annotations

import asyncio

from kit import logs, tracing
from kit.server import serve

from backend.configuration import Settings
from backend.interface import make


def main() -> None:
    settings = Settings.of()
    logs.configure(settings.log_level)
    provider = tracing.configure("backend", settings.version, settings.environment)
    asyncio.run(
        serve(
            make(settings),
            host=settings.host,
            port=settings.port,
            metrics_port=settings.metrics_port,
            tls_folder=settings.tls_folder,
        )
    )
    provider.shutdown()


if __name__ == "__main__":
    main()
