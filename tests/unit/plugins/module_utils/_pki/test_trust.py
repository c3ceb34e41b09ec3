# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._pki import issue
from ansible_collections.rampart.k8s.plugins.module_utils._pki.legacy_tokens import key_id, signed_with
from ansible_collections.rampart.k8s.plugins.module_utils._pki.trust import TRUSTS, readers, reads_bundle
from cryptography.hazmat.primitives import serialization

PROJECTED = {
    "projected": {"sources": [{"serviceAccountToken": {}}, {"configMap": {"name": "kube-root-ca.crt"}}]}
}


def pod(
    name: str, *, owner: tuple[str, str] | None = None, volume: Any = None, phase: str = "Running"
) -> dict[str, Any]:
    references = []
    if owner:
        version = "batch/v1" if owner[0] == "Job" else "apps/v1"
        references = [{"apiVersion": version, "kind": owner[0], "name": owner[1], "controller": True}]
    return {
        "metadata": {"namespace": "dev", "name": name, "uid": name, "ownerReferences": references},
        "spec": {"volumes": [PROJECTED if volume is None else volume]},
        "status": {"phase": phase},
    }


def workload(kind: str, name: str, mark: str = "") -> dict[str, Any]:
    annotations = {TRUSTS: mark} if mark else None
    return {
        "kind": kind,
        "metadata": {"namespace": "dev", "name": name},
        "spec": {"template": {"metadata": {"annotations": annotations}}},
    }


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (PROJECTED, True),
        ({"configMap": {"name": "kube-root-ca.crt"}}, True),
        ({"configMap": {"name": "other"}}, False),
        ({"emptyDir": {}}, False),
        ({"projected": {"sources": [{"serviceAccountToken": {}}]}}, False),
    ],
)
def test_who_reads_the_bundle(volume: dict[str, Any], expected: bool) -> None:
    assert reads_bundle(pod("a", volume=volume)) is expected
    assert not reads_bundle({"metadata": {}, "spec": {}})


def test_workloads_are_found_above_their_replica_sets_and_the_rest_is_told() -> None:
    replica_set = {
        "metadata": {
            "namespace": "dev",
            "name": "web-1",
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}
            ],
        }
    }
    found = readers(
        [
            pod("web-1-a", owner=("ReplicaSet", "web-1")),
            pod("db-0", owner=("StatefulSet", "db")),
            pod("agent-x", owner=("DaemonSet", "agent")),
            pod("once", owner=("Job", "once")),
            pod("alone"),
            pod("done", phase="Succeeded"),
            pod("none", volume={"emptyDir": {}}),
            # Of a kind that nobody here knows how to roll out.
            pod("odd", owner=("ReplicaSet", "unknown")),
        ],
        [replica_set],
        [
            workload("Deployment", "web", "m1"),
            workload("StatefulSet", "db"),
            workload("DaemonSet", "agent", "m2"),
        ],
    )
    assert found.workloads == {
        Ref("apps/v1", "Deployment", "dev", "web"): "m1",
        Ref("apps/v1", "StatefulSet", "dev", "db"): "",
        Ref("apps/v1", "DaemonSet", "dev", "agent"): "m2",
    }
    assert found.others == ("dev/alone", "dev/odd", "dev/once")
    assert len(found.pods) == 6


def test_the_name_of_a_key_is_what_the_api_server_writes_into_tokens() -> None:
    public = issue.new_key().public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    expected = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    assert key_id(issue.public_pem(public)) == expected
    header = (
        base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": expected}).encode()).decode().rstrip("=")
    )
    assert signed_with(f"{header}.payload.signature") == expected


@pytest.mark.parametrize("token", ["", "no token", "bm8.x.y", "W10.x.y", "\xff.x"])
def test_what_is_no_token_was_signed_by_nobody(token: str) -> None:
    assert signed_with(token) == ""
