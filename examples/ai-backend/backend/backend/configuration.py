# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend is told by its environment. Nothing here is secret: secrets are mounted files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked at the start."""

    environment: str
    version: str
    log_level: str
    host: str
    port: int
    metrics_port: int
    tls_folder: Path | None
    agent_url: str
    agent_ca: Path | None
    agent_timeout: float
    jwks_folder: Path
    jwt_issuer: str
    jwt_audience: str
    database_host: str
    database_port: int
    database_name: str
    database_folder: Path
    database_ca_folder: Path
    database_connections: int
    requests_burst: int
    requests_per_minute: float

    @classmethod
    def of(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; what has no safe default must be there."""

        def folder(name: str) -> Path | None:
            return Path(environ[name]) if environ.get(name) else None

        return cls(
            environment=environ.get("APP_ENVIRONMENT", "dev"),
            version=environ.get("APP_VERSION", "0.0.0"),
            log_level=environ.get("LOG_LEVEL", "INFO"),
            host=environ.get("LISTEN_HOST", "0.0.0.0"),  # noqa: S104 (a pod's own address is not known before)
            port=int(environ.get("LISTEN_PORT", "8000")),
            metrics_port=int(environ.get("METRICS_PORT", "9090")),
            tls_folder=folder("TLS_FOLDER"),
            agent_url=environ["AGENT_URL"],
            agent_ca=folder("AGENT_CA"),
            agent_timeout=float(environ.get("AGENT_TIMEOUT", "20")),
            jwks_folder=Path(environ.get("JWKS_FOLDER", "/run/secrets/backend-jwks")),
            jwt_issuer=environ["JWT_ISSUER"],
            jwt_audience=environ["JWT_AUDIENCE"],
            database_host=environ["DATABASE_HOST"],
            database_port=int(environ.get("DATABASE_PORT", "5432")),
            database_name=environ.get("DATABASE_NAME", "app"),
            database_folder=Path(environ.get("DATABASE_FOLDER", "/run/secrets/backend-database")),
            database_ca_folder=Path(environ.get("DATABASE_CA_FOLDER", "/run/secrets/postgresql-ca")),
            database_connections=int(environ.get("DATABASE_CONNECTIONS", "8")),
            requests_burst=int(environ.get("REQUESTS_BURST", "100")),
            requests_per_minute=float(environ.get("REQUESTS_PER_MINUTE", "100")),
        )
