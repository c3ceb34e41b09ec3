# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend is told by its environment. Nothing here is secret: secrets are mounted files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.service import Common, optional_path


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked at the start."""

    common: Common
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
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Read the environment; what has no safe default must be there."""

        return cls(
            common=Common.of(environ),
            agent_url=environ["AGENT_URL"],
            agent_ca=optional_path(environ, "AGENT_CA"),
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
