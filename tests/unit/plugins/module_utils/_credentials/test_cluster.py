# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cluster shows to many is looked into, packed or not."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._credentials import cluster
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.images import config_texts
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Workload

METADATA = {"name": "app", "namespace": "dev"}


def release(data: Any, *, packed: bool = True) -> dict[str, Any]:
    raw = json.dumps(data).encode()
    content = base64.b64encode(base64.b64encode(gzip.compress(raw) if packed else raw)).decode()
    return {"metadata": {**METADATA, "name": "sh.helm.release.v1.app.v1"}, "data": {"release": content}}


@pytest.mark.parametrize("packed", [True, False])
def test_values_notes_and_manifests_of_a_release_are_looked_into(packed: bool) -> None:
    data = {
        "config": {"db": {"hosts": ["a", "b"], "password": "x"}, "none": None},
        "manifest": "kind: Pod",
        "info": {"notes": "log in"},
        "hooks": [{"name": "h", "manifest": "kind: Job"}],
    }
    texts = {
        text.name.partition(" ")[2].partition(" ")[2]: text.content
        for text in cluster.release_texts(release(data, packed=packed))
    }
    assert texts == {
        "values.db.hosts.0": "0: a",
        "values.db.hosts.1": "1: b",
        "values.db.password": "password: x",
        "manifest": "kind: Pod",
        "notes": "log in",
        "hook h": "kind: Job",
    }


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"release": "*"},
        {"release": base64.b64encode(b"\x1f\x8bxx").decode()},
        {"release": base64.b64encode(base64.b64encode(b"\x1f\x8bxx")).decode()},
        {"release": base64.b64encode(base64.b64encode(b"{")).decode()},
    ],
)
def test_a_release_that_cannot_be_read_is_not_clean(data: dict[str, str]) -> None:
    with pytest.raises(RampartError, match=r"Secret dev/app cannot be read"):
        list(cluster.release_texts({"metadata": METADATA, "data": data}))


def test_config_maps_are_looked_into_with_what_is_packed_in_them() -> None:
    item = {
        "metadata": {**METADATA, "annotations": {"note": "n"}},
        "data": {"a": "1"},
        "binaryData": {"b": base64.b64encode(b"2\xff").decode()},
    }
    texts = [(text.name, text.content) for text in cluster.config_map_texts([item])]
    assert texts == [
        ("ConfigMap dev/app a", "a=1"),
        ("ConfigMap dev/app b", "2\ufffd"),
        ("ConfigMap dev/app annotation note", "note=n"),
    ]


def test_workloads_are_looked_into_but_for_references_to_secrets() -> None:
    container = {
        "name": "c",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s"}}}],
        "command": ["run"],
        "args": ["--x", 1],
    }
    spec = {"containers": [container], "initContainers": [{"name": "i", "args": ["y"]}]}
    item = {"metadata": METADATA, "spec": {"template": {"spec": spec}}}
    texts = [(text.name, text.content) for text in cluster.workload_texts(Workload(KINDS[0], item))]
    assert texts == [
        ("Deployment dev/app container i command", "y"),
        ("Deployment dev/app container c env A", "A=1"),
        ("Deployment dev/app container c command", "run --x 1"),
    ]


def test_everything_that_a_person_wrote_into_an_image_is_looked_into() -> None:
    config = {
        "config": {
            "Env": ["A=1"],
            "Labels": {"l": "2"},
            "Entrypoint": ["e"],
            "Cmd": ["c", "d"],
            "Healthcheck": {"Test": ["CMD", "h"]},
        },
        "history": [{"created_by": "RUN x", "comment": "y"}, {"empty_layer": True}],
    }
    assert [(text.name, text.content) for text in config_texts("i", [config])] == [
        ("i env A", "A=1"),
        ("i label l", "l=2"),
        ("i entrypoint", "e"),
        ("i cmd", "c d"),
        ("i healthcheck", "CMD h"),
        ("i history 1", "RUN x\ny"),
    ]
    assert config_texts("i", [{}]) == []
