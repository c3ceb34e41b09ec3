# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example's chart as Helm renders it: what every pod must be, and that it fits its environment."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._policy.environments import expand
from ansible_collections.rampart.k8s.plugins.module_utils._policy.quantity import parse

from tests.support.programs import tool

ROOT = Path(__file__).parents[3]
CHART = ROOT / "examples/ai-backend/charts/ai-backend"
ENVIRONMENTS = ("dev", "staging", "prod")
IMAGES = "backend.image.tag=1,agent.image.tag=1,postgresql.image.tag=1,ai-provider.image.tag=1"
WORKLOADS = ("Deployment", "StatefulSet", "Job")

pytestmark = pytest.mark.skipif(not tool("helm").exists(), reason="helm is not brought yet")
Objects = list[dict[str, Any]]


def helm(*values: str, sets: str = "", more: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    files = [f"--values={CHART}/values-{name}.yaml" for name in values]
    argv = [str(tool("helm")), "template", "ai-backend", str(CHART), "--kube-version=1.36.3", *files]
    return subprocess.run(
        [*argv, f"--set-string={IMAGES}", *([f"--set={sets}"] if sets else []), *more],
        capture_output=True,
        text=True,
        check=False,
    )


def rendered(*values: str, sets: str = "", more: tuple[str, ...] = ()) -> Objects:
    done = helm(*values, sets=sets, more=more)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in objects:
        if each["kind"] in WORKLOADS:
            yield each["metadata"]["name"], each["spec"]["template"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pod_is_as_restricted_as_can_be(environment: str) -> None:
    found = dict(pods(rendered(environment, "local")))
    assert set(found) == {"backend", "agent", "postgresql", "backend-test"}
    for name, pod in found.items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} <= {"emptyDir", "secret"}
        assert all(
            volume["secret"]["defaultMode"] == 0o440 for volume in spec["volumes"] if "secret" in volume
        )
        for container in containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["runAsUser"] == 65532, name
            amounts = container["resources"]
            assert (
                amounts["requests"].keys()
                == amounts["limits"].keys()
                == {"cpu", "memory", "ephemeral-storage"}
            )
            # Secrets are files, never variables that every child inherits.
            assert not any("valueFrom" in variable for variable in container.get("env", ()))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_rollout_and_all_of_its_replicas_fit_the_quota(environment: str) -> None:
    defaults = yaml.safe_load((ROOT / "roles/environments/defaults/main.yml").read_text())
    (definition,) = [
        each
        for each in expand(defaults["environments_tiers"], defaults["environments_common"])
        if each["name"] == environment
    ]
    objects = rendered(environment, "local")
    most = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"]["maxReplicas"]
        for each in objects
        if each["kind"] == "HorizontalPodAutoscaler"
    }
    wanted: dict[str, Any] = {"pods": 0}
    for name, pod in pods(objects):
        # A rollout adds a quarter, rounded up.
        count = -(-most.get(name, 1) * 5 // 4)
        wanted["pods"] += count
        for container in pod["spec"]["containers"]:
            for side, amounts in container["resources"].items():
                for resource, amount in amounts.items():
                    key = f"{side}.{resource}"
                    wanted[key] = wanted.get(key, 0) + parse(str(amount)) * count
    over = {key: str(value) for key, value in wanted.items() if value > parse(str(definition["quota"][key]))}
    assert over == {}


def test_another_configuration_is_another_pod_and_only_where_it_counts() -> None:
    def sums(objects: Objects) -> dict[str, str]:
        return {
            name: pod["metadata"]["annotations"]["checksum/config"]
            for name, pod in pods(objects)
            if "annotations" in pod["metadata"]
        }

    before = sums(rendered("dev", "local"))
    after = sums(rendered("dev", "local", sets="backend.rateLimit.burst=7"))
    assert {name for name in before if before[name] != after[name]} == {"backend"}
    # A new version of the whole replaces no pod whose image stayed the same.
    assert sums(rendered("dev", "local", more=("--set=backend.replicas=2",))) == before


def kinds(objects: Objects) -> set[str]:
    return {each["kind"] for each in objects}


def test_guard_rails_come_from_the_environment_or_from_the_chart() -> None:
    rails = {"ServiceAccount", "NetworkPolicy"}
    assert not kinds(rendered("prod", "local")) & {*rails, "PodDisruptionBudget"}
    assert kinds(rendered("prod", "local", sets="global.guardRails=true")) >= {*rails, "PodDisruptionBudget"}
    assert kinds(rendered("provider")) == {*rails, "ConfigMap", "Deployment", "Service"}


def test_monitors_are_made_only_where_somebody_knows_them() -> None:
    assert "ServiceMonitor" not in kinds(rendered("prod"))
    there = rendered("prod", more=("--api-versions=monitoring.coreos.com/v1/ServiceMonitor",))
    assert [each["metadata"]["name"] for each in there if each["kind"] == "ServiceMonitor"] == [
        "agent",
        "backend",
    ]


def flows(objects: Objects) -> set[tuple[str, str, int]]:
    """Return who may reach whom within a namespace, as the chart's policies say."""
    found = set()
    for policy in (each for each in objects if each["kind"] == "NetworkPolicy"):
        to = policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policy["spec"].get("ingress", ()):
            for peer in rule["from"]:
                labels = peer.get("podSelector", {}).get("matchLabels", {})
                if "namespaceSelector" not in peer:
                    found |= {(labels["app.kubernetes.io/name"], to, port["port"]) for port in rule["ports"]}
    return found


def test_chart_and_environment_let_the_same_traffic_through() -> None:
    defaults = yaml.safe_load((ROOT / "roles/environments/defaults/main.yml").read_text())
    network = defaults["environments_common"]["network"]

    def allowed(direction: str) -> set[tuple[str, str, int]]:
        return {
            (mine, other, int(port)) if direction == "egress" else (other, mine, int(port))
            for rule in network[direction].values()
            for mine in rule.get("applications", ())
            for peer in rule.get("peers", ())
            for other in peer.get("applications", ())
            for port in rule["ports"]
        }

    wanted = flows(rendered("prod", "local", sets="global.guardRails=true"))
    assert wanted == {
        ("backend-test", "backend", 8000),
        ("backend", "agent", 8000),
        ("backend", "postgresql", 5432),
    }
    # A packet has to pass both ways.
    assert allowed("ingress") == allowed("egress") == wanted


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        ("backend.image.digest=sha256:12", "does not match pattern"),
        ("backend.replicaz=1", "additional properties"),
        ("backend.resources.limits.cpu=null", "missing property"),
        ("agent.provider.url=http://key@host", "does not match pattern"),
        ("global.environment=UPPER", "does not match pattern"),
        ("postgresql.settings.ssl=off", "ssl"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(sets: str, why: str) -> None:
    done = helm("dev", sets=sets)
    assert done.returncode != 0
    assert why in done.stderr


def test_the_lock_is_that_of_the_chart(tmp_path: Path) -> None:
    copy = tmp_path / "chart"
    subprocess.run(["cp", "-r", str(CHART), str(copy)], check=True)
    subprocess.run([str(tool("helm")), "dependency", "build", str(copy)], check=True, capture_output=True)
    assert (copy / "Chart.lock").read_text() == (CHART / "Chart.lock").read_text()
