# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Releases for tests: the payloads that real Helms wrote, and objects as a cluster keeps them."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures"
CHART = FIXTURES / "charts" / "probe"
MAJORS = (3, 4)


def recorded(major: int) -> dict[str, Any]:
    """Return a Secret that a real Helm wrote: revision 4 of a release, a rollback to revision 2."""
    secret: dict[str, Any] = json.loads((FIXTURES / "helm" / f"helm{major}.json").read_text())
    return secret


def packed(release: dict[str, Any]) -> dict[str, Any]:
    """Return a Secret with a release in it, packed as Helm does."""
    data = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    return {"metadata": {"name": "s", "namespace": "dev"}, "data": {"release": data}}


def deployment(**spec: Any) -> dict[str, Any]:
    """Return a Deployment as a manifest has it."""
    container = {
        "name": "main",
        "image": "registry.local/a@sha256:" + "1" * 64,
        "env": [{"name": "LEVEL", "value": "info"}],
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "dev", "labels": {"app": "a"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": template, **spec},
    }


def live(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return an object as the server keeps it: with defaults, and with Helm's own marks."""
    made = copy.deepcopy(wanted)
    made["metadata"] |= {"uid": "u", "resourceVersion": "7", "generation": 1}
    made["metadata"]["labels"] = {**made["metadata"]["labels"], "app.kubernetes.io/managed-by": "Helm"}
    made["metadata"]["annotations"] = {
        "meta.helm.sh/release-name": "a",
        "meta.helm.sh/release-namespace": "dev",
        "deployment.kubernetes.io/revision": "1",
    }
    if "template" in made.get("spec", {}):
        spec = made["spec"]["template"]["spec"]
        spec["restartPolicy"] = "Always"
        for container in spec["containers"]:
            container["terminationMessagePath"] = "/dev/termination-log"
            for port in container.get("ports", []):
                port["protocol"] = "TCP"
    return made
