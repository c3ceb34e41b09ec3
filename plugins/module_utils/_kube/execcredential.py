# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks a credential plugin (client.authentication.k8s.io) for a token or a client certificate."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")

# Cloud logins take some seconds; one that waits for a browser never ends here.
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class ExecCredential:
    """What the plugin answered."""

    token: str | None
    certificate: str | None
    key: str | None


def fetch(
    plugin: Mapping[str, Any], folder: Path, cluster: Mapping[str, Any], redactor: Redactor
) -> ExecCredential:
    """Run the plugin once and return its answer; the task is shorter than any credential's life."""
    command, version = plugin.get("command"), plugin.get("apiVersion")
    if not command or version not in API_VERSIONS:
        raise RampartError(
            f"The kubeconfig's exec entry is not known (command {command!r}, apiVersion {version!r}).",
            next_step=f"write it for {API_VERSIONS[0]}",
        )
    if os.sep in command and not os.path.isabs(command):
        # As kubectl: a relative path is relative to the kubeconfig, a bare name is looked up in PATH.
        command = str(folder / command)
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {
            "server": cluster.get("server"),
            "certificate-authority-data": cluster.get("certificate-authority-data"),
            "tls-server-name": cluster.get("tls-server-name"),
            "insecure-skip-tls-verify": bool(cluster.get("insecure-skip-tls-verify")),
        }
    request = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    environment = {
        # A plugin logs in with what stands in the environment (AWS_PROFILE and the like).
        **os.environ,
        **{item["name"]: item["value"] for item in plugin.get("env") or []},
        "KUBERNETES_EXEC_INFO": json.dumps(request),
    }
    done = Cli(command, environment=environment, redactor=redactor, timeout=TIMEOUT).run(
        *map(str, plugin.get("args") or [])
    )
    try:
        status = json.loads(done.stdout)["status"]
        found = ExecCredential(
            status.get("token"), status.get("clientCertificateData"), status.get("clientKeyData")
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # What it printed may hold the credential: it is not shown.
        raise RampartError(
            f"The credential plugin {command} did not answer with an ExecCredential.",
            next_step="run it by hand and log in again",
        ) from None
    redactor.add(*(secret for secret in (found.token, found.key) if secret))
    if not found.token and not (found.certificate and found.key):
        raise RampartError(
            f"The credential plugin {command} answered without a token and without a certificate.",
            next_step="run it by hand and log in again",
        )
    return found
