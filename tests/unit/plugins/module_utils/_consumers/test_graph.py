# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses what, and what brings each of them to take a new one."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import consumers, kept_by
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import Hook, hook, way
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Workload

SPEC = {
    "containers": [
        {"name": "main", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p"}}}]}
    ]
}
MOUNTED = {
    "containers": [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/s"}]}],
    "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
}
KIND = {kind.kind: kind for kind in KINDS}
UIDS = itertools.count()


def thing(name: str, *, owner: tuple[str, dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "dev",
        "uid": f"u{next(UIDS)}",
        **more.pop("metadata", {}),
    }
    if owner:
        kind, above = owner
        metadata["ownerReferences"] = [
            {
                "kind": kind,
                "name": above["metadata"]["name"],
                "uid": above["metadata"]["uid"],
                "controller": True,
            }
        ]
    return {"metadata": metadata, **more}


def templated(name: str, spec: Any = None, **more: Any) -> dict[str, Any]:
    return thing(name, spec={"template": {"spec": spec or SPEC}, **more.pop("more", {})}, **more)


def space(**live: list[dict[str, Any]]) -> Namespace:
    return Namespace.of("dev", live)


def found(name: str = "s", **live: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(str(one), one.action) for one in consumers(space(**live)).get(name, [])]


def test_workloads_are_found_by_what_answers_for_their_pods() -> None:
    deployment, cron = (
        templated("api"),
        thing("nightly", spec={"jobTemplate": {"spec": {"template": {"spec": SPEC}}}}),
    )
    replicas = templated("api-1", owner=("Deployment", deployment))
    job = templated("nightly-1", owner=("CronJob", cron))
    assert found(
        Deployment=[deployment],
        ReplicaSet=[replicas],
        Pod=[
            thing("api-1-x", spec=SPEC, owner=("ReplicaSet", replicas)),
            thing("nightly-1-x", spec=SPEC, owner=("Job", job), status={"phase": "Running"}),
            thing("bare", spec=SPEC),
            thing("done", spec=SPEC, status={"phase": "Succeeded"}),
        ],
        CronJob=[cron],
        Job=[
            job,
            templated("import"),
            templated("old", status={"conditions": [{"type": "Complete", "status": "True"}]}),
        ],
        StatefulSet=[templated("db"), templated("hand", more={"updateStrategy": {"type": "OnDelete"}})],
        DaemonSet=[templated("agent")],
    ) == [
        ("CronJob nightly", "next run"),
        ("DaemonSet agent", "restart"),
        ("Deployment api", "restart"),
        ("Job import", "none"),
        ("Pod bare", "none"),
        ("Pod nightly-1-x", "none"),
        ("StatefulSet db", "restart"),
        ("StatefulSet hand", "none"),
    ]


def test_a_pod_of_an_unknown_controller_belongs_to_that() -> None:
    rollout = thing("api")
    replicas = templated("api-1", owner=("Rollout", rollout))
    pod = thing("api-1-x", spec=SPEC, owner=("ReplicaSet", replicas))
    assert space(ReplicaSet=[replicas], Pod=[pod]).pods_of("Rollout", "api") == [pod]


def test_accounts_and_ingresses_are_read_each_time() -> None:
    account = thing("robot", imagePullSecrets=[{"name": "s"}], secrets=[{"name": "s"}])
    ingress = thing("web", spec={"tls": [{"hosts": ["x"], "secretName": "s"}, {"hosts": ["y"]}]})
    assert found(ServiceAccount=[account], Ingress=[ingress]) == [
        ("Ingress web", "none"),
        ("ServiceAccount robot", "none"),
        ("ServiceAccount robot", "none"),
    ]


def test_what_images_are_pulled_with_restarts_nothing() -> None:
    assert found(Deployment=[templated("api", {"imagePullSecrets": [{"name": "s"}]})]) == [
        ("Deployment api", "none")
    ]


def release(values: dict[str, Any]) -> dict[str, Any]:
    body = {"name": "shop", "config": values, "chart": {"values": {"replicas": 1}}}
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode()))
    return thing("sh.helm.release.v1.shop.v1", data={"release": base64.b64encode(packed).decode()})


def test_a_value_of_a_release_counts_when_something_uses_that_name() -> None:
    live = {
        "releases": [release({"auth": {"existingSecret": "s"}, "name": "unused"})],
        "Deployment": [templated("api")],
    }
    graph = consumers(space(**live))
    assert [(str(one), one.ways) for one in graph["s"]] == [
        ("Deployment api", ("env",)),
        ("Release shop", ("values.auth.existingSecret",)),
    ]
    assert "unused" not in graph


@pytest.mark.parametrize(
    ("spec", "annotation", "action", "asked"),
    [
        (MOUNTED, None, "restart", None),
        (MOUNTED, "{}", "reload", None),
        (
            MOUNTED,
            '{"exec": {"command": ["kill", "-HUP", "1"], "container": "main"}}',
            "reload",
            Hook(("kill", "-HUP", "1"), "main"),
        ),
        (
            MOUNTED,
            '{"httpPost": {"port": 8000, "path": "-/reload"}}',
            "reload",
            Hook(path="/-/reload", port=8000),
        ),
        (SPEC, "{}", "restart", None),
    ],
    ids=["nothing", "watches", "command", "request", "environment"],
)
def test_a_workload_says_itself_that_it_needs_no_restart(
    spec: Any, annotation: str | None, action: str, asked: Hook | None
) -> None:
    notes = {"annotations": {"rampart.k8s/reload": annotation}} if annotation is not None else {}
    (one,) = consumers(space(Deployment=[templated("api", spec, metadata=notes)]))["s"]
    assert (one.action, one.hook) == (action, asked)


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]x",
        '{"exec": {}}',
        '{"exec": {"command": [1]}}',
        '{"grpc": {"port": 1}}',
        '{"httpGet": {}}',
    ],
)
def test_an_annotation_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(RampartError, match="says nothing that could be done"):
        hook({"rampart.k8s/reload": text}, "rampart.k8s/reload", "Deployment api")


def test_a_paused_workload_is_told_before_anything_is_written() -> None:
    from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import refuses

    paused = Workload(KIND["Deployment"], templated("api", more={"paused": True}))
    assert way(paused).action == "restart"
    assert refuses(paused) == "Deployment api is paused"


@pytest.mark.parametrize(
    ("secret", "external", "keeper"),
    [
        (thing("s"), [], ""),
        (thing("s"), [thing("es", spec={"target": {"name": "s"}})], "ExternalSecret es"),
        (thing("s"), [thing("s", spec={})], "ExternalSecret s"),
        (
            thing("s", metadata={"annotations": {"cert-manager.io/certificate-name": "web"}}),
            [],
            "Certificate web of cert-manager",
        ),
        (thing("s", owner=("SealedSecret", thing("s"))), [], "SealedSecret s"),
    ],
    ids=["nobody", "target", "same name", "cert-manager", "owner"],
)
def test_what_keeps_a_secret_is_named(
    secret: dict[str, Any], external: list[dict[str, Any]], keeper: str
) -> None:
    assert kept_by(space(ExternalSecret=external), secret) == keeper
