# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Calls crane, which speaks with registries."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

# Registries may lie behind a proxy, and have authorities of their own.
TO_REGISTRIES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
)


def crane(
    program: str,
    *,
    ca: str | None = None,
    config: str | None = None,
    redactor: Redactor | None = None,
    timeout: float = 60.0,
) -> Cli:
    """Return crane with the way to registries, and with the authorities to trust there.

    Credentials are those of the docker configuration: of the folder or file, or of whoever runs the module.
    """
    reach = {name: os.environ[name] for name in TO_REGISTRIES if name in os.environ}
    environment = {**reach, **trust(ca, config)}
    return Cli(program, environment=environment, redactor=redactor, timeout=timeout)


def trust(ca: str | None, config: str | None) -> dict[str, str]:
    """Return the variables by which crane and cosign know whom to trust, and as whom to speak.

    A file counts for them only where the home of whoever runs the module has none, so they get no home then.
    """
    speaking = {}
    if config and Path(config).is_file():
        speaking = {"REGISTRY_AUTH_FILE": config, "HOME": f"{config}.none"}
    elif config:
        speaking = {"DOCKER_CONFIG": config}
    return {**({"SSL_CERT_FILE": ca} if ca else {}), **speaking}
