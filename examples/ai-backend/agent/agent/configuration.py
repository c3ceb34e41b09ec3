# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent is told by its environment. Its one secret is a mounted file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.service import Common, optional_path


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration, checked at the start."""

    common: Common
    provider_url: str
    provider_ca: Path | None
    provider_model: str
    provider_timeout: float
    key_folder: Path
    requests_burst: int
    requests_per_minute: float
    parallel: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Settings:
        """Read the environment; what has no safe default must be there."""

        return cls(
            common=Common.of(environ),
            provider_url=environ["PROVIDER_URL"],
            provider_ca=optional_path(environ, "PROVIDER_CA"),
            provider_model=environ.get("PROVIDER_MODEL", "example-1"),
            provider_timeout=float(environ.get("PROVIDER_TIMEOUT", "15")),
            key_folder=Path(environ.get("PROVIDER_KEY_FOLDER", "/run/secrets/agent-provider")),
            requests_burst=int(environ.get("REQUESTS_BURST", "20")),
            requests_per_minute=float(environ.get("REQUESTS_PER_MINUTE", "120")),
            parallel=int(environ.get("REQUESTS_PARALLEL", "4")),
        )
