#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a list of Kubernetes objects in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: manifest_apply
short_description: Apply a list of Kubernetes objects in one task
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes the objects of a cluster be as a list of definitions says, by server-side apply, all of them in one
    task and over one set of connections.
  - The module first compares every object with the cluster, by reading it and, where this does not suffice,
    by a dry run on the server. Whatever the server would refuse (conflicts with other field managers, unknown
    fields, missing permissions) is told for all objects at once, before anything is written.
  - It exists beside C(kubernetes.core.k8s) for what that module cannot do. It works on hundreds of objects in
    the time of a few. Its check mode completes when the namespace or the custom resource definition of an
    object is only to be created. It never shows a Secret in a diff. It prunes what is in the list no more.
    The measurements are in C(docs/benchmarks/cluster.md) of this collection, under B1.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    details:
      - Only reads and dry runs are sent.
      - When there is no kubeconfig or nothing answers at the server's address, every object is reported as to
        be created, with a warning, so that a run on an empty machine completes.
  diff_mode:
    support: full
    details:
      - Shows changed fields only. Values of Secrets are shown as keyed fingerprints, with a key that is
        random in each task.
  idempotent:
    support: full
    details:
      - Objects that are as defined cause no write in etcd.
  platform:
    platforms: posix
    support: full
options:
  definitions:
    description:
      - The objects, complete with C(apiVersion), C(kind) and C(metadata.name).
      - An object that stands twice in the list is refused, and so are fields that its kind does not know.
      - Values of C(stringData) in a Secret are applied as C(data). The annotation of C(kubectl apply)
        is removed.
    type: list
    elements: dict
    default: []
  files:
    description:
      - Files with more objects, as YAML of one or several documents, on the machine that the module runs on.
        For definitions that are long and the same everywhere, such as those of custom resources.
      - In check mode a file that is not there yet is left out with a warning.
    type: list
    elements: path
    default: []
  state:
    description:
      - Whether the objects exist as defined (V(present)) or do not exist (V(absent)).
    type: str
    choices:
      - present
      - absent
    default: present
  namespace:
    description:
      - Namespace of those objects that belong to one and do not name it. When it is not set, the namespace of
        the context is used.
    type: str
  field_manager:
    description:
      - The name under which the server keeps which fields are ours.
    type: str
    default: rampart
  force_conflicts:
    description:
      - Whether fields that belong to another field manager are taken over.
    type: bool
    default: false
  order:
    description:
      - With V(kind), namespaces come first, then custom resource definitions, then what others need, and
        webhooks last. A NetworkPolicy that only denies comes after those that allow. Objects of one rank are
        applied at the same time.
      - With V(list), objects are applied one after the other as they stand in the list.
    type: str
    choices:
      - kind
      - list
    default: kind
  wait:
    description:
      - Whether to wait until all objects are ready, as M(rampart.k8s.resource_ready) does, or gone with
        O(state=absent).
      - Objects that are unchanged are waited for as well.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait for objects to be ready or gone, and for custom resource definitions to be served.
    type: int
    default: 120
  prune:
    description:
      - Deletes objects that are in the list no more. An object is deleted when it carries the label, is one
        of the kinds, was applied by O(field_manager), and is not in O(definitions).
      - With O(state=absent) it is not used.
    type: dict
    suboptions:
      label_selector:
        description: The label selector of the objects that this list is the whole of.
        type: str
        required: true
      kinds:
        description: The kinds to look for.
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
      namespaces:
        description: The namespaces to look in. When the list is empty, it is all of them.
        type: list
        elements: str
        default: []
seealso:
  - module: rampart.k8s.resource_ready
"""

EXAMPLES = r"""
- name: Set the connection once
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/rampart.k8s.kubernetes:
      kubeconfig: /var/lib/rampart/demo/admin.kubeconfig
      expect_cluster_uid: 1f0c35f1-2f6c-4c5f-9d0e-0d9d3f6a3c11
  tasks:
    - name: Apply a namespace and what is in it
      rampart.k8s.manifest_apply:
        definitions:
          - apiVersion: v1
            kind: Namespace
            metadata:
              name: staging
          - apiVersion: v1
            kind: ConfigMap
            metadata:
              name: settings
              namespace: staging
            data:
              log_level: info

    - name: Keep exactly these network policies
      rampart.k8s.manifest_apply:
        definitions: "{{ network_policies }}"
        prune:
          label_selector: app.kubernetes.io/managed-by=rampart
          kinds:
            - api_version: networking.k8s.io/v1
              kind: NetworkPolicy
          namespaces:
            - staging
"""

RETURN = r"""
reason:
  description: Why there is or is not something to change.
  returned: always
  type: str
  sample: "2 objects: 1 created, 1 unchanged"
objects:
  description: What was done (in check mode, would be done) with each object.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
      returned: success
      sample: ConfigMap
    namespace:
      description: Namespace of the object, empty for one of the whole cluster.
      type: str
      returned: success
      sample: staging
    name:
      description: Name of the object.
      type: str
      returned: success
      sample: settings
    action:
      description: One of V(created), V(updated), V(unchanged), V(deleted) and V(absent).
      type: str
      returned: success
      sample: updated
    reason:
      description: Why.
      type: str
      returned: success
      sample: "these fields differ: data.log_level"
counts:
  description: How many objects met each action.
  returned: success
  type: dict
  sample: {"created": 1, "updated": 0, "unchanged": 1, "deleted": 0, "absent": 0}
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
missing_permissions:
  description: The permissions that the user lacks.
  returned: when permissions are missing
  type: list
  elements: str
  sample: ["patch configmaps in staging"]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._kube.manifest import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
