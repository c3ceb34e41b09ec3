#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps configurations as immutable versions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_versions
short_description: Keep ConfigMaps as immutable versions, and remove the versions that nobody needs
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes each content of a configuration an immutable ConfigMap of its own, whose name has a suffix that
    follows from the content. A workload that names it can be rolled back to exactly what it ran with.
  - Removes old versions, those of Secrets that M(rampart.k8s.secret_rotate) keeps with the strategy
    C(versioned) too. A version stays while anything names it, be it a workload, a pod, a ReplicaSet or
    ControllerRevision that a rollback would go to, a ServiceAccount, an Ingress, or any revision of a release
    that Helm keeps. What is younger than an hour stays in any case, since its user may be on its way.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Only reads are sent. Where there is no cluster yet, every version is reported as to be made.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
options:
  configs:
    description: The configurations. What is secret does not belong here.
    type: list
    elements: dict
    default: []
    suboptions:
      namespace:
        description: The namespace.
        type: str
        required: true
      name:
        description: The name before the suffix.
        type: str
        required: true
      data:
        description: The entries, as texts.
        type: dict
        required: true
  namespaces:
    description: More namespaces in which old versions are removed, beside those of O(configs).
    type: list
    elements: str
    default: []
  prune:
    description: Whether old versions that nobody needs are removed.
    type: bool
    default: true
seealso:
  - module: rampart.k8s.secret_rotate
"""

EXAMPLES = r"""
- name: Keep the settings of the backend
  rampart.k8s.config_versions:
    configs:
      - namespace: prod
        name: backend-settings
        data:
          log_level: INFO
  register: settings

- name: Show the name that the chart gets
  ansible.builtin.debug:
    msg: "{{ settings['configs'][0]['object'] }}"
"""

RETURN = r"""
reason:
  description: What there is to do.
  returned: always
  type: str
  sample: 1 versions to make, 2 to remove, 1 old ones kept
configs:
  description: The configurations with the objects that hold them.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: The namespace.
      type: str
      returned: success
      sample: prod
    name:
      description: The name before the suffix.
      type: str
      returned: success
      sample: backend-settings
    object:
      description: The name of the ConfigMap.
      type: str
      returned: success
      sample: backend-settings-2c26b46b68
    action:
      description: V(created) or V(unchanged).
      type: str
      returned: success
      sample: created
pruned:
  description: The old versions that were (in check mode, would be) removed.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: ConfigMap
      namespace: prod
      name: backend-settings-fcde2b2edb
      kept_by: []
kept:
  description: The old versions that somebody needs, and who.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Secret
      namespace: prod
      name: session-0f3a1b9c77
      kept_by: [ReplicaSet backend-6d5f9c]
requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 18
retries:
  description: How many of them were repetitions.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._versions.operation import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
