#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reproducible_verify
short_description: Compares what two builds of the same sources made, and names what makes them differ
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Compares two images by their digests, and where these differ, layer by layer and file by file. The first
    difference
    is named with its cause, such as times of files or the order in which files come.
  - Compares two folders by their files, links and contents.
  - Reads archives as streams and unpacks nothing.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.verdict
  - rampart.k8s.evidence
options:
  pairs:
    description: What is compared.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What was built, in a few words.
        type: str
        required: true
      first:
        description:
          - What the first build made. An image as C(oci:/FOLDER), C(docker-archive:/FILE) or
            C(HOST[:PORT]/REPOSITORY:TAG), or a folder as an absolute path.
        type: str
        required: true
      second:
        description: What the second build made.
        type: str
        required: true
  crane:
    description: The program crane, which fetches images from registries.
    type: path
    default: crane
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
"""

EXAMPLES = r"""
- name: Prove that the build can be repeated
  rampart.k8s.reproducible_verify:
    pairs:
      - name: backend
        first: oci:/var/lib/rampart/images/backend
        second: oci:/var/lib/rampart/images/backend-again
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1 of 1 passed
passed:
  description: Whether all pairs are identical.
  returned: always
  type: bool
  sample: true
violations:
  description: The first difference of each pair, in sentences.
  returned: when everything could be compared
  type: list
  elements: str
  sample: []
warnings_found:
  description: What will not hold soon. This gate has none.
  returned: when everything could be compared
  type: list
  elements: str
  sample: []
pairs:
  description: The pairs, with up to 20 differences each.
  returned: when everything could be compared
  type: list
  elements: dict
  sample:
    - name: backend
      identical: false
      differences:
        - where: layer 1 /app/main.py (mtime)
          first: "1763800000"
          second: "1763800042"
          cause: "times of files: set SOURCE_DATE_EPOCH and let the builder rewrite timestamps"
evidence:
  description: The records of evidence, one per pair.
  returned: when everything could be compared
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reproducible import ReproducibleVerify

PAIR = {name: {"type": "str", "required": True} for name in ("name", "first", "second")}

SPEC = (
    ArgumentSpec(
        {
            "pairs": {"type": "list", "elements": "dict", "required": True, "options": PAIR},
            "crane": {"type": "path", "default": "crane"},
        }
    )
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> ReproducibleVerify:
    """Turn the options into the operation."""
    return ReproducibleVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
