# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service is told by its environment, and how it is run. Secrets are mounted files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from kit import logs, tracing
from kit.server import serve


@dataclass(frozen=True, slots=True)
class Common:
    """The configuration that all services have."""

    environment: str
    version: str
    log_level: str
    host: str
    port: int
    metrics_port: int
    tls_folder: Path | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Common:
        """Read the environment."""
        return cls(
            environment=environ.get("APP_ENVIRONMENT", "dev"),
            version=environ.get("APP_VERSION", "0.0.0"),
            log_level=environ.get("LOG_LEVEL", "INFO"),
            host=environ.get("LISTEN_HOST", "0.0.0.0"),  # noqa: S104 (a pod's own address is not known before)
            port=int(environ.get("LISTEN_PORT", "8000")),
            metrics_port=int(environ.get("METRICS_PORT", "9090")),
            tls_folder=optional_path(environ, "TLS_FOLDER"),
        )


def optional_path(environ: Mapping[str, str], name: str) -> Path | None:
    """Return a path that need not be given; empty is not given."""
    return Path(environ[name]) if environ.get(name) else None


def run(service: str, common: Common, make: Callable[[], FastAPI]) -> None:
    """Run a service until a signal."""
    logs.configure(common.log_level)
    provider = tracing.configure(service, common.version, common.environment)
    asyncio.run(
        serve(
            make(),
            host=common.host,
            port=common.port,
            metrics_port=common.metrics_port,
            tls_folder=common.tls_folder,
        )
    )
    provider.shutdown()
