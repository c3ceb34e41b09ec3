# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a canary, what is trouble of its pods, and which pods belong to hooks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm import canary, canary_objects, hook_watch
from ansible_collections.rampart.k8s.plugins.module_utils._helm.canary_objects import LABEL
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._kube.causes import selects

from tests.support.helm import deployment


@pytest.mark.parametrize(
    ("stable", "weight", "new", "share"),
    [(3, 25, 1, 25), (3, 50, 3, 50), (10, 10, 2, 17), (1, 10, 1, 50), (0, 50, 1, 100), (4, 99, 396, 99)],
)
def test_the_share_of_pods_is_the_share_of_traffic(stable: int, weight: int, new: int, share: int) -> None:
    assert canary_objects.replicas(stable, weight) == new
    assert canary_objects.share(stable, new) == share


def config_map(value: str, name: str = "settings") -> dict[str, Any]:
    metadata = {"name": name, "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def reading() -> dict[str, Any]:
    item = deployment()
    spec = item["spec"]["template"]["spec"]
    spec["volumes"] = [
        {"name": "v", "configMap": {"name": "settings"}},
        {
            "name": "p",
            "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "settings"}}]},
        },
        {"name": "s", "secret": {"secretName": "s"}},
    ]
    spec["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "s"}}]
    return item


def test_the_new_pods_serve_beside_the_old_ones_and_are_told_apart() -> None:
    wanted = [config_map("new"), config_map("same", "other"), reading()]
    before = copy.deepcopy(wanted)
    copied, made = canary_objects.objects(
        wanted, [config_map("old"), config_map("same", "other")], "a", "rel"
    )
    assert wanted == before
    assert copied["metadata"]["name"] == "settings-canary"
    assert made["metadata"]["name"] == "a-canary"
    assert all(item["metadata"]["labels"][LABEL] == "rel" for item in (copied, made))
    spec = made["spec"]["template"]["spec"]
    assert spec["volumes"][0]["configMap"]["name"] == "settings-canary"
    assert spec["volumes"][1]["projected"]["sources"][1]["configMap"]["name"] == "settings-canary"
    assert spec["volumes"][2]["secret"]["secretName"] == "s"
    assert spec["containers"][0]["envFrom"][0]["configMapRef"]["name"] == "settings-canary"
    labels = made["spec"]["template"]["metadata"]["labels"]
    # The Service still selects them, and the old Deployment's own pods are none of the canary's.
    assert selects({"matchLabels": {"app": "a"}}, labels)
    assert not selects(made["spec"]["selector"], {"app": "a"})
    assert "replicas" not in made["spec"]


def test_a_secret_that_changes_is_copied_too() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "dev"}, "data": {}}
    copied, made = canary_objects.objects([secret, reading()], [], "a", "rel")
    spec = made["spec"]["template"]["spec"]
    assert copied["metadata"]["name"] == "s-canary"
    assert spec["volumes"][1]["projected"]["sources"][0]["secret"]["name"] == "s-canary"
    assert spec["volumes"][2]["secret"]["secretName"] == "s-canary"


def test_a_canary_of_nothing_is_an_error() -> None:
    with pytest.raises(RampartError, match="has no Deployment b"):
        canary_objects.objects([deployment()], [], "b", "rel")


def test_a_new_pod_that_is_started_again_is_trouble() -> None:
    def pod(count: int) -> dict[str, Any]:
        status = {"name": "main", "restartCount": count, "state": {"running": {}}}
        return {"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}}

    restarts: dict[str, int] = {}
    assert canary._trouble(pod(1), restarts) is None
    assert canary._trouble(pod(1), restarts) is None
    trouble = canary._trouble(pod(2), restarts)
    assert trouble is not None
    assert "was started again" in trouble.sentence


def test_pods_of_hooks_are_told_from_others() -> None:
    hooks = [
        Hook("job", "Job", ("pre-upgrade",), 0, (), ""),
        Hook("pod", "Pod", ("post-install",), 0, (), ""),
        Hook("settings", "ConfigMap", ("pre-install",), 0, (), ""),
        Hook("test", "Pod", ("test",), 0, (), ""),
    ]
    wanted = hook_watch.names(hooks)
    assert wanted == {"job", "pod"}
    of_job = {"metadata": {"name": "job-x1", "labels": {hook_watch.JOB: "job"}}}
    assert hook_watch.of_hook(of_job, wanted) == "job"
    assert hook_watch.of_hook({"metadata": {"name": "pod"}}, wanted) == "pod"
    assert hook_watch.of_hook({"metadata": {"name": "job"}}, frozenset()) == ""
    assert hook_watch.of_hook({"metadata": {"name": "a-1"}}, wanted) == ""
