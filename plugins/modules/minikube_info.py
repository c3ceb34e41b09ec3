#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_info
short_description: Tells what minikube will find on this machine
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Tells which Docker daemon answers, whether minikube's sources can be reached, which capabilities this
    machine withholds from root, and which images this Kubernetes version wants.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: linux
    support: full
options:
  profile:
    description: The name of the profile.
    type: str
    required: true
  binary:
    description: The path of minikube. It need not exist yet.
    type: path
    required: true
  home:
    description: The folder for minikube's state (E(MINIKUBE_HOME)). It need not exist yet.
    type: path
    required: true
  kubeadm:
    description: The path of kubeadm, which names the images and their versions. It need not exist yet.
    type: path
    required: true
  docker_host:
    description:
      - The address of the Docker daemon to use when it answers. Empty means E(DOCKER_HOST), and without that
        the machine's own socket.
    type: str
    default: ''
  own_docker_host:
    description: The address of the daemon that is to be started when that one does not answer.
    type: str
    required: true
  own_docker_data:
    description: The data folder of that daemon. Once it exists, the cluster stays with that daemon.
    type: path
    required: true
  air_gapped:
    description:
      - Whether to work without internet. V(auto) asks minikube's sources when there is no profile yet; a
        profile stays what it was made as.
    type: str
    choices: [auto, 'true', 'false']
    default: auto
  node_image:
    description: The repository of node images that are made here; a profile with one of them is air-gapped.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: See what minikube will find
  rampart.k8s.minikube_info:
    profile: demo
    binary: /usr/local/bin/minikube
    kubeadm: /usr/local/bin/kubeadm
    home: /var/lib/rampart/demo/minikube/.minikube
    own_docker_host: unix:///run/rampart/demo/docker.sock
    own_docker_data: /var/lib/rampart/demo/docker
    node_image: rampart.local/minikube-node
  register: minikube_found
"""

RETURN = r"""
reason:
  description: What was found, in one line.
  returned: always
  type: str
  sample: 'the profile demo is running, air-gapped, with a Docker daemon of its own'
docker:
  description: The daemon to use.
  returned: success
  type: dict
  contains:
    own:
      description: Whether it is the one that has to be started for this cluster.
      type: bool
      returned: success
      sample: true
    host:
      description: Its address.
      type: str
      returned: success
      sample: unix:///run/rampart/demo/docker.sock
    answers:
      description: Whether it answers now.
      type: bool
      returned: success
      sample: true
architecture:
  description: The machine's architecture in the words of Go.
  returned: success
  type: str
  sample: amd64
minikube_version:
  description: The version of minikube; empty when it is not there yet.
  returned: success
  type: str
  sample: v1.38.1
exists:
  description: Whether the profile exists.
  returned: success
  type: bool
  sample: false
state:
  description: How the profile is, one of V(absent), V(stopped), V(degraded), V(running) and V(unknown).
  returned: success
  type: str
  sample: running
profile_version:
  description: The Kubernetes version of the profile; empty when there is none.
  returned: success
  type: str
  sample: v1.36.3
air_gapped:
  description: Whether to work without internet.
  returned: success
  type: bool
  sample: true
lacking_capabilities:
  description: The numbers of the capabilities that this process cannot have.
  returned: success
  type: list
  elements: int
  sample: [24]
kubernetes_version:
  description: The version of kubeadm; empty when it is not there yet.
  returned: success
  type: str
  sample: v1.36.3
images:
  description: The images that this version wants; empty when kubeadm is not there yet.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The last part of the repository.
      type: str
      returned: success
      sample: etcd
    repository:
      description: The repository.
      type: str
      returned: success
      sample: registry.k8s.io/etcd
    tag:
      description: The tag.
      type: str
      returned: success
      sample: 3.6.8-0
    reference:
      description: Both.
      type: str
      returned: success
      sample: registry.k8s.io/etcd:3.6.8-0
    cache_file:
      description: The name under which minikube looks for its archive in its cache.
      type: str
      returned: success
      sample: registry.k8s.io/etcd_3.6.8-0
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.surroundings import docker_daemon, look
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import Minikube, Places

SPEC = ArgumentSpec(
    {
        "profile": {"type": "str", "required": True},
        "binary": {"type": "path", "required": True},
        "home": {"type": "path", "required": True},
        "kubeadm": {"type": "path", "required": True},
        "docker_host": {"type": "str", "default": ""},
        "own_docker_host": {"type": "str", "required": True},
        "own_docker_data": {"type": "path", "required": True},
        "air_gapped": {"type": "str", "choices": ["auto", "true", "false"], "default": "auto"},
        "node_image": {"type": "str", "required": True},
    }
)


@dataclass(frozen=True, slots=True)
class Look:
    """Only looks."""

    params: dict[str, Any]

    def plan(self) -> Plan:
        """Collect everything."""
        home = Path(self.params["home"])
        daemon = docker_daemon(
            self.params["docker_host"],
            self.params["own_docker_host"],
            Path(self.params["own_docker_data"]),
            home / "docker",
        )
        places = Places(Path(self.params["binary"]), home, home / "kubeconfig", daemon["host"])
        found = look(
            Minikube(places),
            self.params["profile"],
            self.params["air_gapped"],
            self.params["node_image"],
            Path(self.params["kubeadm"]),
        )
        network = "air-gapped" if found["air_gapped"] else "with internet"
        profile = f"the profile {self.params['profile']} is {found['state']}"
        whose = "a Docker daemon of its own" if daemon["own"] else f"the Docker daemon at {daemon['host']}"
        return Plan(False, f"{profile}, {network}, with {whose}", result={**found, "docker": daemon})

    def apply(self, plan: Plan) -> Plan:
        """Nothing is to be done."""
        return plan


def build(module: AnsibleModule, redactor: Redactor) -> Look:
    """Nothing of the options is secret."""
    return Look(module.params)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
