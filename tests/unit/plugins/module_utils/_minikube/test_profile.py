# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import profile
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.answers import State

WANTED = profile.Wanted(
    name="demo",
    kubernetes_version="v1.36.3",
    base_image="rampart.local/minikube-node:1",
    preload=False,
    cni="bridge",
    service_cidr="10.252.0.0/16",
    dns_domain="cluster.local",
    cpus=2,
    memory_mb=4000,
    mount="/logs:/var/lib/minikube/certs/rampart-audit",
    extra={"apiserver": {"profiling": "false"}},
)


def config(**changes: Any) -> dict[str, Any]:
    """The part of a recorded profile that decides, in minikube's own words."""
    kubernetes = {
        "KubernetesVersion": "v1.36.3",
        "ContainerRuntime": "containerd",
        "ServiceCIDR": "10.252.0.0/16",
        "CNI": "bridge",
        "DNSDomain": "cluster.local",
        "ExtraOptions": [{"Component": "apiserver", "Key": "profiling", "Value": "false"}],
    }
    whole = {
        "Driver": "docker",
        "CPUs": 2,
        "Memory": 4000,
        "KicBaseImage": "rampart.local/minikube-node:1",
        "ContainerVolumeMounts": ["/logs:/var/lib/minikube/certs/rampart-audit"],
    }
    kubernetes |= {name: value for name, value in changes.items() if name in kubernetes}
    whole |= {name: value for name, value in changes.items() if name in whole}
    return {**whole, "KubernetesConfig": kubernetes}


def decide(state: State, *stale: str, **changes: Any) -> profile.Decision:
    return profile.decide(WANTED, profile.Observed(state, config(**changes), stale))


def test_a_profile_that_runs_as_it_should_is_left_alone() -> None:
    assert decide("running").action == "none"


def test_a_missing_profile_is_started() -> None:
    assert profile.decide(WANTED, profile.Observed("absent")).action == "start"


def test_what_a_failed_start_left_is_replaced() -> None:
    assert profile.decide(WANTED, profile.Observed("broken")).action == "replace"


@pytest.mark.parametrize(
    ("state", "reason"), [("stopped", "stopped"), ("degraded", "not all"), ("unknown", "daemon is down")]
)
def test_what_does_not_run_is_started_with_its_reason(state: State, reason: str) -> None:
    decision = decide(state)
    assert decision.action == "start"
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"KubernetesVersion": "v1.35.1"}, "Kubernetes v1.35.1 is to become v1.36.3"),
        ({"ExtraOptions": None}, "apiserver profiling"),
        (
            {"ExtraOptions": [{"Component": "apiserver", "Key": "profiling", "Value": "true"}]},
            "apiserver profiling",
        ),
    ],
)
def test_settings_that_can_change_are_a_restart(changes: dict[str, Any], reason: str) -> None:
    decision = decide("running", **changes)
    assert decision.action == "restart"
    assert reason in decision.reason


def test_a_setting_that_is_no_longer_wanted_is_a_restart() -> None:
    more = [*config()["KubernetesConfig"]["ExtraOptions"], {"Component": "kubelet", "Key": "v", "Value": "9"}]
    assert "kubelet v" in decide("running", ExtraOptions=more).reason


def test_a_file_that_differs_in_the_node_is_a_restart() -> None:
    decision = decide("running", "/var/lib/minikube/certs/rampart/encryption.yaml")
    assert decision.action == "restart"
    assert "encryption.yaml in the node" in decision.reason


def test_without_a_wanted_version_the_profile_keeps_its_own() -> None:
    wanted = replace(WANTED, kubernetes_version="")
    observed = profile.Observed("running", config(KubernetesVersion="v1.35.1"))
    assert profile.decide(wanted, observed).action == "none"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Driver": "kvm2"}, "driver: kvm2, not docker"),
        ({"ContainerRuntime": "docker"}, "container runtime: docker, not containerd"),
        ({"ServiceCIDR": "10.96.0.0/12"}, "service range: 10.96.0.0/12, not 10.252.0.0/16"),
        ({"CNI": "calico"}, "network: calico, not bridge"),
        ({"DNSDomain": "other.local"}, "DNS domain"),
        ({"CPUs": 4}, "CPUs: 4, not 2"),
        ({"Memory": 3000}, "memory in MB: 3000, not 4000"),
        ({"ContainerVolumeMounts": None}, "mount: none"),
    ],
)
def test_a_profile_is_never_deleted_for_a_setting_that_cannot_change(
    changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(RampartError, match="cannot be changed") as caught:
        decide("running", **changes)
    assert told in caught.value.message
    assert "cluster_reset" in caught.value.next_step


def test_another_node_image_is_kept_and_said() -> None:
    decision = decide("running", KicBaseImage="rampart.local/minikube-node:0")
    assert decision.action == "none"
    assert decision.kept == ("node image rampart.local/minikube-node:0",)
    arguments = profile.start_arguments(WANTED, decision, force=False, timeout=600)
    assert not [argument for argument in arguments if argument.startswith("--base-image")]


@pytest.mark.parametrize(
    ("wish", "state", "action"),
    [
        ("stopped", "running", "stop"),
        ("stopped", "degraded", "stop"),
        ("stopped", "broken", "none"),
        ("stopped", "stopped", "none"),
        ("stopped", "unknown", "none"),
        ("stopped", "absent", "none"),
        ("absent", "absent", "none"),
        ("absent", "running", "delete"),
        ("absent", "broken", "delete"),
        ("absent", "unknown", "delete"),
    ],
)
def test_the_ways_to_an_end(wish: Any, state: State, action: str) -> None:
    assert profile.decide_end(wish, profile.Observed(state)).action == action


def test_the_arguments_say_everything_that_is_wanted() -> None:
    decision = profile.decide(WANTED, profile.Observed("absent"))
    arguments = profile.start_arguments(WANTED, decision, force=True, timeout=600)
    assert arguments[0] == "start"
    assert {
        "--profile=demo",
        "--driver=docker",
        "--container-runtime=containerd",
        "--kubernetes-version=v1.36.3",
        "--base-image=rampart.local/minikube-node:1",
        "--preload=false",
        "--cni=bridge",
        "--service-cluster-ip-range=10.252.0.0/16",
        "--memory=4000mb",
        "--mount-string=/logs:/var/lib/minikube/certs/rampart-audit",
        "--extra-config=apiserver.profiling=false",
        "--install-addons=false",
        "--force",
    } <= set(arguments)


def test_nothing_is_forced_and_nothing_is_enabled_unless_asked() -> None:
    wanted = replace(
        WANTED, base_image="", mount="", kubernetes_version="", addons=("metrics-server",), extra={}
    )
    arguments = profile.start_arguments(wanted, profile.Decision("start", ""), force=False, timeout=600)
    assert "--force" not in arguments
    assert "--addons=metrics-server" in arguments
    assert "--install-addons=true" in arguments
    unwanted = ("--base-image", "--mount", "--extra-config", "--kubernetes-version")
    assert not [argument for argument in arguments if argument.startswith(unwanted)]
