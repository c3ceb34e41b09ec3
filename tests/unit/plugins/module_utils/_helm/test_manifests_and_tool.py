# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests, values, tests of charts, and what Helm says of a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts.complaint import complaint
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm import changes, expectations, manifests
from ansible_collections.rampart.k8s.plugins.module_utils._helm.hook_tests import ordered
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Delivery, Helm
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Resource
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref

from tests.support.helm import CHART, deployment

CANARY = "correct-horse-battery-staple"


def test_lists_are_taken_apart() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n---\n"
    assert [item["kind"] for item in manifests.parse(text, "it")] == ["Secret"]


@pytest.mark.parametrize("text", ["a: [", "just text", "kind: X", "apiVersion: v1\nkind: X"])
def test_what_is_no_manifest_is_refused_without_its_text(text: str) -> None:
    with pytest.raises(RampartError, match="cannot be read") as caught:
        manifests.parse(f"{text}\n# {CANARY}", "it")
    assert CANARY not in str(caught.value)


SPEC: dict[str, Any] = {
    "serviceAccountName": "sa",
    "imagePullSecrets": [{"name": "pull"}],
    "volumes": [
        {"secret": {"secretName": "files"}},
        {"configMap": {"name": "maybe", "optional": True}},
        {"persistentVolumeClaim": {"claimName": "data"}},
        {"projected": {"sources": [{"secret": {"name": "inside"}}, {"configMap": {"name": "beside"}}]}},
    ],
    "initContainers": [{"envFrom": [{"secretRef": {"name": "all"}}]}],
    "containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "one"}}}, {"value": "x"}]}],
}


def test_what_a_pod_cannot_start_without() -> None:
    needed = {
        ("ServiceAccount", "sa"),
        ("Secret", "pull"),
        ("Secret", "files"),
        ("PersistentVolumeClaim", "data"),
        ("Secret", "inside"),
        ("ConfigMap", "beside"),
        ("Secret", "all"),
        ("Secret", "one"),
    }
    assert manifests.references(SPEC) == needed
    assert manifests.references(SPEC, optional=True) == {*needed, ("ConfigMap", "maybe")}


def secret(value: str) -> dict[str, Any]:
    metadata = {"name": "s", "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": value}}


def test_a_diff_shows_changed_fields_and_no_secret() -> None:
    old, new = deployment(), deployment(replicas=3)
    before, after = changes.sides([old, secret("YQ==")], [new, secret("Yg==")], b"key")
    assert before["Deployment dev/a"] == {"spec": {"replicas": 2}}
    assert after["Deployment dev/a"] == {"spec": {"replicas": 3}}
    assert before["Secret dev/s"]["data"]["a"].startswith("hmac:")
    assert before["Secret dev/s"] != after["Secret dev/s"]
    assert changes.summary(before, after) == "2 changed"
    one, other = changes.sides([old], [secret("YQ==")], b"key")
    assert changes.summary(one, other) == "1 created, 1 removed"


def test_values_are_laid_over_each_other() -> None:
    assert changes.merged({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": 3}) == {
        "a": {"b": 1, "c": [2]},
        "d": 3,
    }
    assert list(changes.texts({"a": ["x", {"b": 1}], "c": None})) == ["x", "1"]


def test_tests_run_in_the_order_of_helm() -> None:
    hooks = [
        Hook(name, "Pod", events, weight, (), "")
        for name, events, weight in (
            ("b", ("test",), 0),
            ("a", ("test",), 0),
            ("first", ("pre-upgrade", "test"), -5),
            ("no", ("pre-upgrade",), 0),
        )
    ]
    assert [hook.name for hook in ordered(hooks)] == ["first", "a", "b"]


def rule(**fields: Any) -> expectations.Rule:
    defaults = {
        "api_version": "",
        "name": "*",
        "condition": "",
        "condition_status": "True",
        "optional": False,
    }
    return expectations.Rule.of({**defaults, **fields})


def test_declared_rules_decide_and_optional_objects_are_not_waited_for() -> None:
    def pair(kind: str, name: str) -> tuple[Ref, Resource]:
        return Ref("x.io/v1", kind, "dev", name), Resource("x.io/v1", kind, "xs", True)

    rules = [
        rule(kind="External*", optional=True),
        rule(kind="Certificate", name="web", condition="Issued"),
        rule(kind="Certificate", api_version="other/v1", optional=True),
    ]
    pairs = [pair("ExternalSecret", "a"), pair("Certificate", "web"), pair("Certificate", "b")]
    found = expectations.targets(pairs, rules)
    assert [(target.ref.name, target.condition, target.awaited) for target in found] == [
        ("web", "Issued", False),
        ("b", "", False),
    ]


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        (
            "level=WARN msg=x\nError: UPGRADE FAILED: values don't meet the schema:\n- at '/a': no\n",
            "values don't meet the schema: - at '/a': no.",
        ),
        ("Error: INSTALLATION FAILED: x", "x."),
        ("", "it said nothing."),
    ],
)
def test_a_complaint_of_helm_is_told_as_its_reason(stderr: str, said: str) -> None:
    assert complaint(stderr) == said


def test_a_helm_that_was_killed_is_not_taken_for_one_that_gave_up(tmp_path: Path) -> None:
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    said = r"could not upgrade the release dev/a: it was ended by signal 9 \(Killed\)\."
    with Helm(str(program), Redactor()) as helm, pytest.raises(RampartError, match=said) as caught:
        helm.run("upgrade", about="the release dev/a")
    assert "find out who ended it" in caught.value.next_step


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "x --post-renderer=/tmp/e"}, "is no name of a release"),
        ({"namespace": "-n"}, "is no name of a namespace"),
        ({"values_files": (Path("--set=a=b"),)}, "there is no file"),
        ({"values_files": (Path("https://example.com/v.yaml"),)}, "there is no file"),
        ({"chart": Path("/nowhere")}, "There is no chart"),
    ],
)
def test_what_would_be_an_option_or_a_link_for_helm_is_refused(fields: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {"name": "a", "namespace": "dev", "chart": CHART, "values": {}, **fields}
    with pytest.raises(RampartError, match=said):
        Delivery(**given).check()
