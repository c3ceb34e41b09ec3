# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules about the audit log, against what a real API server writes by the policy of the role cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

from tests.rig import Rig
from tests.support.modules import call
from tests.unit.collection import ROOT

POLICY = ROOT / "roles/cluster/templates/embedded/audit-policy.yaml.j2"
DEV = "/api/v1/namespaces/dev"
EXPECTED = {f"falco_audit_{who}": ["expected", "system:*"] for who in ("secret_readers", "rbac_users")}
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with Rig(api_flags=(f"--audit-policy-file={POLICY}",)) as started:
        admin = client(started)
        admin.call("POST", "/api/v1/namespaces", body={"metadata": {"name": "dev"}})
        admin.call(
            "POST",
            f"{DEV}/secrets",
            body={"metadata": {"name": "password"}, "stringData": {"k": "hidden-value"}},
        )
        admin.call("POST", f"{DEV}/pods", body=pod("plain"))
        yield started


def rules() -> str:
    """Render them in a process of its own: this one runs modules."""
    asked = [sys.executable, "-m", "tests.support.falco_rules", "k8s_audit", json.dumps(EXPECTED)]
    return subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def client(rig: Rig, user: str = "", *groups: str) -> Client:
    kubeconfig = rig.kubeconfig_for(user, *groups) if user else rig.kubeconfig
    return Client(Connection(str(kubeconfig)), Redactor())


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "example/none"}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


class Watch:
    """Tells what became of the requests since it began."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self._arguments = {
            "log": str(rig.audit_log),
            "queue": str(folder),
            "files": [{"path": "rampart-audit.yaml", "content": rules()}],
        }
        self.alerts()

    def alerts(self) -> list[dict[str, Any]]:
        answer = call("audit_alerts", self._arguments)
        assert not answer.get("failed"), answer
        assert (answer["unreadable"], answer["lost"]) == (0, False)
        return [json.loads(Path(each["file"]).read_text()) for each in answer["alerts"]]


@pytest.fixture
def watch(rig: Rig, tmp_path: Path) -> Watch:
    return Watch(rig, tmp_path)


def test_what_is_expected_raises_nothing(rig: Rig, watch: Watch) -> None:
    expected = client(rig, "expected", "system:masters")
    expected.get(f"{DEV}/secrets/password")
    expected.call(
        "POST", f"{RBAC}/namespaces/dev/roles", body={"metadata": {"name": "expected"}, "rules": []}
    )
    expected.call("POST", f"{DEV}/pods", body=pod("harmless"))
    expected.get(f"{DEV}/pods")
    assert watch.alerts() == []


def test_a_secret_that_is_read_is_told_and_its_value_is_not(rig: Rig, watch: Watch) -> None:
    client(rig, "jane", "system:masters").get(f"{DEV}/secrets/password")
    (alert,) = watch.alerts()
    assert (alert["rule"], alert["priority"]) == ("Secret read by an unexpected reader", "Error")
    fields = alert["output_fields"]
    assert (fields["ka.user.name"], fields["ka.target.name"]) == ("jane", "password")
    assert fields["ka.response.code"] == "200"
    assert "hidden-value" not in json.dumps(alert)


def test_a_refused_read_of_secrets_is_told(rig: Rig, watch: Watch) -> None:
    with pytest.raises(RampartError):
        client(rig, "mallory").get(f"{DEV}/secrets")
    (alert,) = watch.alerts()
    assert alert["output_fields"]["ka.response.code"] == "403"


@pytest.mark.parametrize("groups", [(), ("system:masters",)])
def test_who_enters_a_pod_is_told_allowed_or_not(rig: Rig, watch: Watch, groups: tuple[str, ...]) -> None:
    with pytest.raises(RampartError):
        client(rig, "eve", *groups).call(
            "POST", f"{DEV}/pods/plain/exec", query={"command": "id", "stdout": "true"}
        )
    (alert,) = watch.alerts()
    assert alert["rule"] == "Somebody enters a pod"
    assert (alert["output_fields"]["k8s.ns.name"], alert["output_fields"]["k8s.pod.name"]) == ("dev", "plain")
    assert (alert["output_fields"]["ka.response.code"] == "403") is not bool(groups)


@pytest.mark.parametrize(
    "spec",
    [
        {"hostPID": True},
        {"hostNetwork": True},
        {"containers": [{"name": "main", "image": "x", "securityContext": {"privileged": True}}]},
        {"initContainers": [{"name": "first", "image": "x", "securityContext": {"privileged": True}}]},
    ],
)
def test_a_privileged_pod_is_told(rig: Rig, watch: Watch, spec: dict[str, Any]) -> None:
    admin = client(rig)
    admin.call("POST", f"{DEV}/pods", body=pod("mighty", **spec))
    admin.call("DELETE", f"{DEV}/pods/mighty", query={"gracePeriodSeconds": "0"})
    (alert,) = watch.alerts()
    assert alert["rule"] == "Privileged pod"
    assert alert["output_fields"]["k8s.pod.name"] == "mighty"


def test_a_change_of_rights_is_told(rig: Rig, watch: Watch) -> None:
    binding = {
        "metadata": {"name": "mallory-rules"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory"}],
    }
    client(rig, "jane", "system:masters").call("POST", f"{RBAC}/clusterrolebindings", body=binding)
    (alert,) = watch.alerts()
    assert alert["rule"] == "Rights changed"
    assert "role=cluster-admin subjects=(mallory)" in alert["output"]


def test_who_has_no_name_is_told(rig: Rig, watch: Watch) -> None:
    pool = urllib3.PoolManager(ca_certs=str(rig.folder / "ca.crt"), retries=False)
    assert pool.request("GET", f"{rig.server}/readyz").status == 200
    assert pool.request("GET", f"{rig.server}{DEV}/secrets").status == 403
    (alert,) = watch.alerts()
    assert (alert["rule"], alert["priority"]) == ("Anonymous request refused", "Notice")
