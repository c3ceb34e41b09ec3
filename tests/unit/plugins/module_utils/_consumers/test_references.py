# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in which a pod can name a Secret is found, and where the value is then seen."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import (
    DRIVERS,
    Place,
    places,
    references,
)

NAME = frozenset({"main"})


def env(secret: str, key: str = "password", name: str = "PASSWORD") -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def container(name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **more}


def volume(secret: str, **more: Any) -> dict[str, Any]:
    return {"name": "v", "secret": {"secretName": secret, **more}}


def mount(path: str = "/run/secrets/s", **more: Any) -> dict[str, Any]:
    return {"name": "v", "mountPath": path, **more}


SPECS: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "env",
        {"containers": [container(env=[env("s")])]},
        "env",
        "/containers/0/env/0/valueFrom/secretKeyRef/name",
    ),
    (
        "init",
        {"initContainers": [container(env=[env("s")])]},
        "env",
        "/initContainers/0/env/0/valueFrom/secretKeyRef/name",
    ),
    (
        "ephemeral",
        {"ephemeralContainers": [container(env=[env("s")])]},
        "env",
        "/ephemeralContainers/0/env/0/valueFrom/secretKeyRef/name",
    ),
    (
        "envFrom",
        {"containers": [container(envFrom=[{"secretRef": {"name": "s"}}])]},
        "envFrom",
        "/containers/0/envFrom/0/secretRef/name",
    ),
    ("volume", {"volumes": [volume("s")]}, "volume", "/volumes/0/secret/secretName"),
    (
        "subPath",
        {"volumes": [volume("s")], "containers": [container(volumeMounts=[mount(subPath="password")])]},
        "subPath",
        "/volumes/0/secret/secretName",
    ),
    (
        "projected",
        {
            "volumes": [
                {
                    "name": "v",
                    "projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": "s"}}]},
                }
            ]
        },
        "projected",
        "/volumes/0/projected/sources/1/secret/name",
    ),
    ("pull", {"imagePullSecrets": [{"name": "s"}]}, "imagePullSecrets", "/imagePullSecrets/0/name"),
    *(
        (
            driver,
            {"volumes": [{"name": "v", driver: {field: "s" if field == "secretName" else {"name": "s"}}}]},
            driver,
            f"/volumes/0/{driver}/{field}" + ("" if field == "secretName" else "/name"),
        )
        for driver, field in DRIVERS
    ),
]


@pytest.mark.parametrize(
    ("spec", "way", "pointer"), [row[1:] for row in SPECS], ids=[row[0] for row in SPECS]
)
def test_every_way_is_found_with_its_place(spec: dict[str, Any], way: str, pointer: str) -> None:
    (found,) = references(spec)
    assert (found.secret, found.way, found.pointer) == ("s", way, pointer)
    at: Any = spec
    for part in pointer.strip("/").split("/"):
        at = at[int(part)] if isinstance(at, list) else at[part]
    assert at == "s"


def test_what_names_no_secret_is_none() -> None:
    spec = {
        "containers": [
            container(
                env=[
                    {"name": "A", "value": "s"},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "s", "key": "k"}}},
                ],
                envFrom=[{"configMapRef": {"name": "s"}}],
            )
        ],
        "volumes": [{"name": "v", "configMap": {"name": "s"}}, {"name": "w", "emptyDir": {}}],
        "imagePullSecrets": [{}],
    }
    assert references(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"containers": [container(volumeMounts=[mount()])], "volumes": [volume("s")]},
            [
                Place("main", "/run/secrets/s/password", "password", True, True),
                Place("main", "/run/secrets/s/user", "user", True, True),
            ],
        ),
        (
            {
                "containers": [container(volumeMounts=[mount("/etc/x/")])],
                "volumes": [volume("s", items=[{"key": "password", "path": "deep/pw"}])],
            },
            [Place("main", "/etc/x/deep/pw", "password", True, True)],
        ),
        (
            {
                "containers": [container(volumeMounts=[mount("/etc/pw", subPath="password")])],
                "volumes": [volume("s")],
            },
            [Place("main", "/etc/pw", "password", True, False)],
        ),
        (
            {
                "containers": [container(volumeMounts=[mount("/etc/x", subPath="deep")])],
                "volumes": [
                    volume(
                        "s", items=[{"key": "password", "path": "deep/pw"}, {"key": "user", "path": "user"}]
                    )
                ],
            },
            [Place("main", "/etc/x/pw", "password", True, False)],
        ),
        (
            {"containers": [container(volumeMounts=[mount(subPathExpr="$(POD)")])], "volumes": [volume("s")]},
            [],
        ),
        ({"containers": [container(env=[env("s")])]}, [Place("main", "PASSWORD", "password", False, False)]),
        (
            {
                "containers": [
                    container(
                        env=[env("s", "user", "P_password")],
                        envFrom=[{"prefix": "P_", "secretRef": {"name": "s"}}],
                    )
                ]
            },
            [
                Place("main", "P_user", "user", False, False),
                Place("main", "P_password", "user", False, False),
            ],
        ),
        ({"containers": [container("other", env=[env("s")])]}, []),
        ({"containers": [container(env=[env("another")])]}, []),
    ],
    ids=[
        "files",
        "items",
        "subPath file",
        "subPath folder",
        "subPathExpr",
        "env",
        "envFrom",
        "not running",
        "another secret",
    ],
)
def test_a_key_is_looked_for_where_it_is(spec: dict[str, Any], expected: list[Place]) -> None:
    assert places(spec, "s", ["password", "user"], running=NAME) == expected
