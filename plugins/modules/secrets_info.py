#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what every Secret is, how old, who uses it, and whether it is overdue."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_info
short_description: Tell what every Secret is, how old, who uses it, and whether it is overdue
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Lists every Secret, managed by M(rampart.k8s.secret_rotate) or not, with its class, its age, when it is
    due, its owner and its consumers, and every rotation that is open.
  - A Secret that nobody declared is classed by its type, if that says enough, and its age counts from its
    creation.
  - What rotations keep for themselves, and the releases of Helm, are left out. Values are never returned.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.read_only
attributes:
  platform:
    platforms: posix
    support: full
options:
  namespaces:
    description: The namespaces to look into. Without any, all are.
    type: list
    elements: str
    default: []
  classes:
    description: Classes of secrets by name, laid over the known ones, as in M(rampart.k8s.secret_rotate).
    type: dict
    default: {}
seealso:
  - module: rampart.k8s.secret_rotate
"""

EXAMPLES = r"""
- name: Read what there is
  rampart.k8s.secrets_info:
    namespaces: [prod]
  register: prod_secrets

- name: Show what is overdue
  ansible.builtin.debug:
    msg: "{{ prod_secrets['secrets'] | selectattr('overdue') | map(attribute='name') }}"
"""

RETURN = r"""
reason:
  description: What was found, in a sentence.
  returned: always
  type: str
  sample: 9 secrets, 7 managed, 1 overdue
secrets:
  description: Every Secret.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
      returned: success
      sample: prod
    name:
      description: Its name.
      type: str
      returned: success
      sample: backend-database
    type:
      description: Its type.
      type: str
      returned: success
      sample: Opaque
    managed:
      description: Whether a rotation has written it.
      type: bool
      returned: success
      sample: true
    class:
      description: Its class, empty when nothing says it.
      type: str
      returned: success
      sample: database
    sensitivity:
      description: How sensitive its class is.
      type: str
      returned: success
      sample: critical
    owner:
      description: Who answers for it.
      type: str
      returned: success
      sample: team-backend
    version_of:
      description: Of a version the name that it is declared by.
      type: str
      returned: success
      sample: ""
    age_days:
      description: For how many days its content has been what it is.
      type: int
      returned: success
      sample: 91
    rotated_at:
      description: When it was rotated last.
      type: str
      returned: success
      sample: "2026-08-28T08:00:00Z"
    rotation_reason:
      description: Why it was rotated last.
      type: str
      returned: success
      sample: scheduled
    due_at:
      description: When it is due, empty when its class is not known.
      type: str
      returned: success
      sample: "2026-11-26T08:00:00Z"
    overdue:
      description: Whether that is past.
      type: bool
      returned: success
      sample: true
    changed_outside:
      description: Whether the content is not the one that its last rotation wrote.
      type: bool
      returned: success
      sample: false
    kept_by:
      description: What else writes it, such as an ExternalSecret.
      type: str
      returned: success
      sample: ""
    consumers:
      description: Who uses it, how, and what brings it to take a new content.
      type: list
      elements: dict
      returned: success
      sample:
        - kind: Deployment
          name: backend
          ways: [volume]
          action: restart
          reason: its pods are replaced by a rollout
rotations:
  description: Every rotation that is open.
  returned: success
  type: list
  elements: dict
  sample: []
counts:
  description: How many secrets there are of each kind.
  returned: success
  type: dict
  sample: {"secrets": 9, "managed": 7, "unmanaged": 2, "overdue": 1, "unused": 1}
requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 15
retries:
  description: How many of them were repetitions.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.info_operation import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
