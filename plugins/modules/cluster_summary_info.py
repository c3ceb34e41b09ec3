#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what stands in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_summary_info
short_description: Tell what stands in a cluster, in a few numbers
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Reads the nodes, the environments and the pods of a cluster over one connection and condenses them into
    what a person wants to know at the end of a run.
  - In check mode a cluster that does not exist yet is no failure, since the run would have made it.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: posix
    support: full
"""

EXAMPLES = r"""
- name: Read what stands
  rampart.k8s.cluster_summary_info:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
  register: cluster_summary
"""

RETURN = r"""
reason:
  description: What was found, in a sentence.
  returned: success
  type: str
  sample: "The cluster answers; nodes: 1, environments: 3."
reached:
  description: Whether there is a cluster; only V(false) in check mode.
  returned: success
  type: bool
server:
  description: The address of the API server.
  returned: success
  type: str
  sample: https://198.19.0.1:6443
version:
  description: The version of the API server.
  returned: success
  type: str
  sample: v1.36.3
uid:
  description: What C(expect_cluster_uid) must be for this cluster.
  returned: success
  type: str
  sample: 0b0c2c0f-3f0e-4d5b-8a39-6f2a1e7c9d10
nodes:
  description: The nodes.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    ready:
      description: Whether it takes work.
      type: bool
    kubelet:
      description: The version of its kubelet.
      type: str
environments:
  description: The namespaces that are environments.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The environment.
      type: str
      sample: prod
    namespace:
      description: Its namespace.
      type: str
    pod_security:
      description: The level that is enforced, or an empty string.
      type: str
      sample: restricted
    pods:
      description: How many pods it has that have not ended.
      type: int
    pods_ready:
      description: How many of them are ready.
      type: int
releases:
  description: The releases of Helm, where the user may list Secrets of all namespaces.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
    name:
      description: Its name.
      type: str
      sample: ai-backend
    revision:
      description: The number of its newest revision.
      type: int
    status:
      description: What Helm says of that revision.
      type: str
      sample: deployed
    verified:
      description: Whether that revision was verified.
      type: bool
    services:
      description: Where it answers, each with its first port.
      type: list
      elements: str
      sample: ["backend:8000"]
unready_pods:
  description: Every pod of the cluster that should be ready and is not, with its namespace.
  returned: success
  type: list
  elements: str
  sample: [kube-system/coredns-5d8f]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._report.operation import ClusterSummary


def main() -> None:
    """Run the module."""
    run(CONNECTION, ClusterSummary)


if __name__ == "__main__":
    main()
