#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_budget
short_description: Lets only images pass that are as small as was agreed
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Compares the unpacked size of images and the number of their layers with a budget for each. What grows
    unseen is slow to load, and holds what nobody needs.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.verdict
  - rampart.k8s.evidence
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      image:
        description: The image as C(oci:/FOLDER).
        type: str
        required: true
      max_size_mb:
        description: The most megabytes that it takes unpacked; V(0) is no limit.
        type: int
        default: 0
      max_layers:
        description: The most layers that it has; V(0) is no limit.
        type: int
        default: 0
attributes:
  check_mode:
    support: full
    details: An image that is not there yet is told and does not shut the gate.
  platform:
    platforms: posix
    support: full
seealso:
  - module: rampart.k8s.image_build
"""

EXAMPLES = r"""
- name: Keep the backend small
  rampart.k8s.image_budget:
    images:
      - image: oci:/var/lib/rampart/images/backend
        max_size_mb: 100
        max_layers: 4
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1 of 1 passed
passed:
  description: Whether all images are within their budgets.
  returned: always
  type: bool
  sample: true
violations:
  description: What is over its budget, in sentences.
  returned: when everything could be measured
  type: list
  elements: str
  sample: ["oci:/var/lib/rampart/images/backend: it has 120.4 MB, the budget is 100 MB"]
warnings_found:
  description: What will not hold soon. This gate has none.
  returned: when everything could be measured
  type: list
  elements: str
  sample: []
images:
  description: The images with what was measured.
  returned: when everything could be measured
  type: list
  elements: dict
  sample:
    - image: oci:/var/lib/rampart/images/backend
      digest: sha256:9c1b2e7a9f3c...
      size: 91247104
      layers: 3
evidence:
  description: The records of evidence, one per image.
  returned: when everything could be measured
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._oci.budget import ImageBudget

IMAGE = {
    "image": {"type": "str", "required": True},
    "max_size_mb": {"type": "int", "default": 0},
    "max_layers": {"type": "int", "default": 0},
}

SPEC = (
    ArgumentSpec({"images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE}})
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageBudget:
    """Turn the options into the operation."""
    return ImageBudget(module.params, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
