# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds the nodes that images are brought to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.containerd import Containerd
from ansible_collections.rampart.k8s.plugins.module_utils._load.crio import Crio
from ansible_collections.rampart.k8s.plugins.module_utils._load.docker_engine import DockerEngine
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import Machine, ThisMachine
from ansible_collections.rampart.k8s.plugins.module_utils._load.runtime import Runtime
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node

# Asking takes a fraction of a second; a runtime that hangs is not waited for.
QUESTION_SECONDS = 30.0

# How minikube names what its nodes are: containers of a daemon, or this machine itself.
CONTAINERS, HOST = ("docker", "podman"), ("none", "native")


def nodes_of(parameters: Mapping[str, Any], *, check_mode: bool) -> list[Runtime]:
    """Return what the options name; nothing at all would be a success that means nothing."""
    if bool(parameters["profile"]) == bool(parameters["sockets"]):
        raise RampartError(
            "It is not clear which nodes are to get the images.",
            next_step="give either profile or sockets",
        )
    if parameters["profile"]:
        return of_profile(parameters, check_mode=check_mode)
    return of_sockets(parameters)


def of_sockets(parameters: Mapping[str, Any]) -> list[Runtime]:
    """Return containerds on this machine."""
    return [
        Containerd(
            ThisMachine(socket, QUESTION_SECONDS),
            ctr=parameters["ctr"],
            address=socket,
            namespace=parameters["namespace"],
            timeout=parameters["timeout"],
        )
        for socket in dict.fromkeys(parameters["sockets"])
    ]


def of_profile(parameters: Mapping[str, Any], *, check_mode: bool) -> list[Runtime]:
    """Return every node of a minikube profile, as minikube has written them down."""
    profile, home = parameters["profile"], Path(parameters["home"])
    path = home / "profiles" / profile / "config.json"
    try:
        config = json.loads(path.read_bytes())
        driver = str(config["Driver"])
        runtime = str(config["KubernetesConfig"]["ContainerRuntime"])
        nodes = [str(node["Name"]) for node in config["Nodes"]]
    except FileNotFoundError as error:
        if check_mode:
            # An earlier task makes it, in a real run.
            return [Containerd(_node(profile, parameters, "docker"))]
        raise RampartError(
            f"There is no minikube profile {profile} below {home}.",
            next_step="start it first (playbooks/cluster.yml), or correct profile and home",
            profile=profile,
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RampartError(
            f"The settings {path} of the minikube profile {profile} cannot be understood "
            f"({type(error).__name__}).",
            next_step="look at the file; `minikube profile list` reads it too",
            path=str(path),
        ) from error
    names = [name_of(profile, node, len(nodes)) for node in nodes]
    return [_runtime(runtime, _node(name, parameters, driver), parameters["timeout"]) for name in names]


def name_of(profile: str, node: str, count: int) -> str:
    """Name a node's machine as minikube does."""
    return profile if not node or count == 1 else f"{profile}-{node}"


def _node(name: str, parameters: Mapping[str, Any], driver: str) -> Machine:
    if driver in CONTAINERS:
        config = Path(parameters["home"]) / "docker"
        return Node(name, parameters["docker_host"], config, program=driver)
    if driver in HOST:
        return ThisMachine(name, QUESTION_SECONDS)
    raise RampartError(
        f"The nodes of {parameters['profile']} are virtual machines (driver {driver}), which nothing here "
        "reaches into.",
        next_step="use the driver docker or podman, or push to a registry that the nodes pull from "
        "(role rampart.k8s.registry)",
        profile=parameters["profile"],
    )


def _runtime(name: str, machine: Machine, timeout: float) -> Runtime:
    if name == "containerd":
        return Containerd(machine, timeout=timeout)
    if name in ("crio", "cri-o"):
        return Crio(machine, timeout=timeout)
    if name in ("docker", ""):
        return DockerEngine(machine, timeout=timeout)
    raise RampartError(
        f"{machine.name} has the container runtime {name}, which is not known here.",
        next_step="use containerd, docker or cri-o",
    )
