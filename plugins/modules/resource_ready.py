#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until Kubernetes objects are ready."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resource_ready
short_description: Wait until Kubernetes objects are ready, or fail as soon as they cannot be
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Waits until all of a list of objects are ready by the rules of their kinds, as kstatus and
    C(kubectl rollout status) have them. A controller must have seen the last change, and no pod of an old
    revision may run any more.
  - Objects are watched, not asked again and again, so that the wait ends when the last one becomes ready.
  - The wait fails as soon as the cause of a failure is known. Such causes are an image that cannot be pulled,
    a container that crashes or lacks its configuration, pods that are refused by a quota or by Pod Security,
    an exceeded progress deadline and a failed job. The message names the object, the container, the reason
    and the last event.
  - Pods that end at their start until what they need is there say by the annotation
    C(rampart.k8s/allowed-restarts) after how many restarts that counts as a failure. Without it the first
    C(CrashLoopBackOff) does.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
  - rampart.k8s.attributes.read_only
attributes:
  check_mode:
    details:
      - Only reads. In check mode the objects are looked at once and not waited for, and the module succeeds
        with what it saw, since what is only to be created cannot become ready.
  platform:
    platforms: posix
    support: full
options:
  resources:
    description:
      - The objects to wait for.
    type: list
    elements: dict
    required: true
    suboptions:
      api_version:
        description: The API version, for example V(apps/v1).
        type: str
        required: true
      kind:
        description: The kind, for example V(Deployment).
        type: str
        required: true
      namespace:
        description: The namespace. When it is not set, the namespace of the context is used.
        type: str
      name:
        description: Name of the object. Exactly one of O(resources[].name) and
          O(resources[].label_selector) is required.
        type: str
      label_selector:
        description: Selects all objects with these labels. At least one must come.
        type: str
      condition:
        description:
          - The type of a condition in the object's status that decides, instead of the rule of the kind.
        type: str
      condition_status:
        description: The status that O(resources[].condition) must have.
        type: str
        default: "True"
  timeout:
    description: Seconds to wait for all objects together.
    type: int
    default: 120
seealso:
  - module: rampart.k8s.manifest_apply
"""

EXAMPLES = r"""
- name: Wait for the application and its node
  rampart.k8s.resource_ready:
    kubeconfig: /var/lib/rampart/demo/admin.kubeconfig
    resources:
      - api_version: apps/v1
        kind: Deployment
        namespace: staging
        name: api
      - api_version: v1
        kind: Node
        label_selector: kubernetes.io/os=linux
    timeout: 60

- name: Wait for a certificate of cert-manager
  rampart.k8s.resource_ready:
    resources:
      - api_version: cert-manager.io/v1
        kind: Certificate
        namespace: staging
        name: api
        condition: Ready
"""

RETURN = r"""
reason:
  description: How many objects are ready.
  returned: always
  type: str
  sample: 2 of 2 objects are ready
ready:
  description: Whether all objects are there and ready. Outside check mode, anything else is a failure.
  returned: success
  type: bool
  sample: true
objects:
  description: The state of each object; on failure, as far as it was known.
  returned: when the objects could be looked at
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
      returned: success
      sample: Deployment
    namespace:
      description: Namespace of the object, empty for one of the whole cluster.
      type: str
      returned: success
      sample: staging
    name:
      description: Name of the object.
      type: str
      returned: success
      sample: api
    phase:
      description: One of V(ready), V(progressing) and V(failed).
      type: str
      returned: success
      sample: ready
    reason:
      description: What this rests on.
      type: str
      returned: success
      sample: 2 of 2 pods are available
seconds:
  description: How long the wait took.
  returned: success
  type: float
  sample: 1.204
requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 5
retries:
  description: How many of them were repetitions.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._kube.ready import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
