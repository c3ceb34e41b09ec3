#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_retain
short_description: Deletes from a registry what is old and needed by nobody
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Keeps the newest images of each repository, and every other one that a cluster needs. That is what a pod
    runs, what a workload, a ReplicaSet or a ControllerRevision would start, and what any revision of a Helm
    release that is kept names, so that a rollback finds its images.
  - What was signed about an image stays as long as the image, and goes with it.
  - Every cluster is asked before anything is deleted. When one does not answer, or what it answers cannot
    be read, nothing is.
  - The space is free after the registry's own garbage collection, which the role
    P(rampart.k8s.registry#role) runs.
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A registry that is not up counts as an empty one.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  registry_url:
    description: The address, as C(https://HOST:PORT). Without TLS only one on this machine is spoken to.
    type: str
    required: true
  registry_ca:
    description: The file with the authorities to trust at the registry, in place of the system's own.
    type: path
  docker_config:
    description: The folder or the file of the docker configuration with the credentials for the registry.
    type: path
  keep_newest:
    description: How many images of each repository are kept whether anybody needs them or not.
    type: int
    default: 10
  clusters:
    description:
      - The clusters that pull from the registry, each with its connection. One that is left out loses
        images that only it needs.
    type: list
    elements: dict
    required: true
    suboptions:
      kubeconfig:
        description: Path of the kubeconfig file.
        type: path
      context:
        description: Name of the context to use.
        type: str
      expect_cluster_uid:
        description: UID of the namespace C(kube-system) of the cluster that is meant.
        type: str
      allow_exec_plugins:
        description: Whether the kubeconfig may run a program to get a credential.
        type: bool
        default: true
      request_timeout:
        description: Seconds within which a single request must be answered.
        type: int
        default: 30
      api_timeout:
        description: Seconds that all requests may take together.
        type: int
        default: 300
"""

EXAMPLES = r"""
- name: Keep ten images of each, and what runs
  rampart.k8s.registry_retain:
    registry_url: https://registry.example.com:5443
    docker_config: /var/lib/rampart/registry/client
    clusters:
      - kubeconfig: /home/me/.kube/staging
      - kubeconfig: /home/me/.kube/production
"""

RETURN = r"""
reason:
  description: Why something was deleted, or that nothing had to be.
  returned: always
  type: str
  sample: 2 of 14 are needed by nobody
manifests:
  description: Everything with a tag, whether it is kept, and why.
  returned: success
  type: list
  elements: dict
  sample:
    - name: ai-backend/backend:1.2.0
      tags: ['1.2.0']
      digest: sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8e9be9aeea530c50c
      kept: true
      reason: replicasets staging/backend-6d9f7c needs it
deleted:
  description: The names of what was deleted, or would be.
  returned: success
  type: list
  elements: str
  sample: ['ai-backend/backend:0.9.0']
"""

from functools import partial

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._registry.options import address_of
from ansible_collections.rampart.k8s.plugins.module_utils._registry.retain_operation import RegistryRetain
from ansible_collections.rampart.k8s.plugins.module_utils._registry.usage import used

SPEC = ArgumentSpec(
    {
        "registry_url": {"type": "str", "required": True},
        "registry_ca": {"type": "path"},
        "docker_config": {"type": "path"},
        "keep_newest": {"type": "int", "default": 10},
        "clusters": {"type": "list", "elements": "dict", "required": True, "options": CONNECTION.options},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> RegistryRetain:
    """Turn the options into the operation."""
    params = module.params
    if not params["clusters"] or params["keep_newest"] < 1:
        raise RampartError(
            "Without a cluster to ask, or with no image to keep, everything would be deleted.",
            next_step="name the clusters that pull from the registry, and keep at least one image of each",
        )
    clients = [Client(Connection.of(cluster), redactor) for cluster in params["clusters"]]
    return RegistryRetain(
        address=address_of(params, redactor),
        newest=params["keep_newest"],
        ask=[partial(used, client) for client in clients],
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
