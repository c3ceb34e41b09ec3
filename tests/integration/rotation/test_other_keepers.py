# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that somebody else keeps or names: the External Secrets Operator's kind, and a release of Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube import watching
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.support.programs import tool
from tests.support.rotating import Place, secret

KIND = "externalsecrets.external-secrets.io"
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: uses
data:
  name: {{ .Values.database.secretName }}
"""


def established(found: dict[str, Any] | None) -> bool | None:
    conditions = ((found or {}).get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions) or None


@pytest.fixture
def external_secrets(client: Client) -> Iterator[str]:
    """Serve the operator's kind, and return its path within a namespace."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    body = {
        "metadata": {"name": KIND},
        "spec": {
            "group": "external-secrets.io",
            "scope": "Namespaced",
            "names": {"kind": "ExternalSecret", "plural": "externalsecrets", "singular": "externalsecret"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }
    client.call("POST", KINDS, body=body)
    try:
        assert watching.until(client, KINDS, KIND, established, 20)
        yield "/apis/external-secrets.io/v1/namespaces/{}/externalsecrets"
    finally:
        client.delete(f"{KINDS}/{KIND}")


def test_the_target_of_an_external_secret_is_left_alone(place: Place, external_secrets: str) -> None:
    place.rotate(secret("db"))
    body = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "from-vault"},
        "spec": {"target": {"name": "db"}},
    }
    place.client.call("POST", external_secrets.format(place.name), body=body)
    stored = place.stored()
    result = place.rotate(secret("db"), scope="all")
    assert result["failed"]
    assert "it is kept by ExternalSecret from-vault, which would change it back" in result["msg"]
    assert place.stored() == stored


def test_a_release_whose_values_name_it_is_told_as_a_consumer(place: Place, tmp_path: Path) -> None:
    place.rotate(secret("db"))
    place.deploy("api", "db")
    chart = tmp_path / "app"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("database: {secretName: none}\n")
    (chart / "templates/uses.yaml").write_text(TEMPLATE)
    argv = [str(tool("helm")), "install", "app", str(chart), f"--namespace={place.name}"]
    argv += [f"--kubeconfig={place.rig.kubeconfig}", "--set=database.secretName=db"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    consumers = place.rotate(secret("db"), scope="all", check=True)["consumers"][f"{place.name}/db"]
    assert {(one["kind"], one["name"]) for one in consumers} == {("Deployment", "api"), ("Release", "app")}
    (release,) = (one for one in consumers if one["kind"] == "Release")
    assert release["ways"] == ["values.database.secretName"]
    assert release["reason"] == "the next upgrade writes this name again"
