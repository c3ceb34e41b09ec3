# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what has to happen to a minikube profile, from how it is and how it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.answers import State

Action = Literal["none", "start", "restart", "replace", "stop", "delete"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A profile as it should be."""

    name: str
    kubernetes_version: str
    base_image: str
    preload: bool
    cni: str
    service_cidr: str
    dns_domain: str
    cpus: int
    memory_mb: int
    mount: str = ""
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    addons: tuple[str, ...] = ()

    def options(self) -> dict[tuple[str, str], str]:
        """Return the settings of the components by component and flag."""
        return {(part, key): value for part, flags in self.extra.items() for key, value in flags.items()}


@dataclass(frozen=True, slots=True)
class Observed:
    """A profile as it is; ``config`` is None when there is none."""

    state: State
    config: Mapping[str, Any] | None = None
    stale_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and why."""

    action: Action
    reason: str
    kept: tuple[str, ...] = ()


def recorded_options(config: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Return the settings of the components that a profile was started with."""
    found = config.get("KubernetesConfig", {}).get("ExtraOptions") or []
    return {(item["Component"], item["Key"]): item["Value"] for item in found}


def _fixed(wanted: Wanted, config: Mapping[str, Any]) -> list[str]:
    """List what was fixed when the node was made and is wanted otherwise now."""
    kubernetes = config.get("KubernetesConfig", {})
    pairs = [
        ("driver", config.get("Driver"), "docker"),
        ("container runtime", kubernetes.get("ContainerRuntime"), "containerd"),
        ("service range", kubernetes.get("ServiceCIDR"), wanted.service_cidr),
        ("network", kubernetes.get("CNI"), wanted.cni),
        ("DNS domain", kubernetes.get("DNSDomain"), wanted.dns_domain),
        ("CPUs", config.get("CPUs"), wanted.cpus),
        ("memory in MB", config.get("Memory"), wanted.memory_mb),
        ("mount", "".join(config.get("ContainerVolumeMounts") or []), wanted.mount),
    ]
    return [
        f"{what}: {is_now or 'none'}, not {wish or 'none'}" for what, is_now, wish in pairs if is_now != wish
    ]


def _changes(wanted: Wanted, config: Mapping[str, Any], stale_files: tuple[str, ...]) -> list[str]:
    """List what a start of the running profile would bring in."""
    reasons = []
    version = config.get("KubernetesConfig", {}).get("KubernetesVersion")
    if wanted.kubernetes_version not in ("", version):
        reasons.append(f"Kubernetes {version} is to become {wanted.kubernetes_version}")
    before, after = recorded_options(config), wanted.options()
    different = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    if different:
        reasons.append("other settings of " + ", ".join(f"{part} {key}" for part, key in different))
    reasons += [f"{path} in the node is not the one of this machine" for path in stale_files]
    return reasons


def decide(wanted: Wanted, observed: Observed) -> Decision:
    """Decide how the profile comes to run as it should.

    Raises RampartError when it would have to be deleted for that: everything in it would be lost.
    """
    config = observed.config
    if observed.state == "broken":
        return Decision("replace", "an earlier start left it unfinished")
    if config is None:
        return Decision("start", "there is no such profile")
    fixed = _fixed(wanted, config)
    if fixed:
        raise RampartError(
            f"The minikube profile {wanted.name} was made with other settings, which cannot be changed "
            f"in a running one ({'; '.join(fixed)}).",
            next_step="set the variables back, or remove it with playbooks/cluster_reset.yml and start anew; "
            "that deletes everything in it",
            profile=wanted.name,
            differences=fixed,
        )
    image = config.get("KicBaseImage") or ""
    kept = (f"node image {image}",) if wanted.base_image and image != wanted.base_image else ()
    changes = _changes(wanted, config, observed.stale_files)
    if observed.state == "running":
        if changes:
            return Decision("restart", "; ".join(changes), kept)
        return Decision("none", "it runs as it should", kept)
    found = {"stopped": "it is stopped", "unknown": "the Docker daemon is down"}
    reasons = [found.get(observed.state, "not all of it runs"), *changes]
    return Decision("start", "; ".join(reasons), kept)


def decide_end(state: Literal["stopped", "absent"], observed: Observed) -> Decision:
    """Decide how the profile comes to be stopped, or gone."""
    if observed.state == "absent":
        return Decision("none", "there is no such profile")
    if state == "absent":
        return Decision("delete", "the profile is there")
    if observed.state == "stopped":
        return Decision("none", "it is stopped")
    if observed.state == "broken":
        return Decision("none", "an earlier start left it unfinished; a start or a reset mends that")
    if observed.state == "unknown":
        # A node cannot run without its daemon.
        return Decision("none", "the Docker daemon is down")
    return Decision("stop", "not all of it is stopped")


def start_arguments(wanted: Wanted, decision: Decision, *, force: bool, timeout: int) -> list[str]:
    """Return the arguments of `minikube start`; a list, never a line for a shell."""
    image = "" if decision.kept else wanted.base_image
    arguments = [
        "start",
        f"--profile={wanted.name}",
        "--driver=docker",
        "--container-runtime=containerd",
        "--interactive=false",
        "--output=json",
        f"--preload={str(wanted.preload).lower()}",
        f"--cni={wanted.cni}",
        f"--service-cluster-ip-range={wanted.service_cidr}",
        f"--dns-domain={wanted.dns_domain}",
        f"--cpus={wanted.cpus}",
        f"--memory={wanted.memory_mb}mb",
        "--embed-certs=true",
        # The role waits for the node and the workloads by watching, which ends when they are ready.
        "--wait=apiserver",
        f"--wait-timeout={timeout}s",
        # Only what is asked for: the provisioner for local folders is among the default ones.
        f"--install-addons={str(bool(wanted.addons)).lower()}",
    ]
    arguments += [f"--kubernetes-version={wanted.kubernetes_version}"] if wanted.kubernetes_version else []
    arguments += [f"--base-image={image}"] if image else []
    arguments += [f"--mount-string={wanted.mount}"] if wanted.mount else []
    arguments += [f"--addons={addon}" for addon in wanted.addons]
    arguments += [f"--extra-config={part}.{key}={value}" for (part, key), value in wanted.options().items()]
    arguments += ["--force"] if force else []
    return arguments
