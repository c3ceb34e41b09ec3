#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_verify
short_description: Lets only images pass that an accepted key has signed, with the attestations that are
  demanded
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Verifies the signatures and attestations of images by one policy, before they are loaded and before they
    are
    deployed. The same policy holds for registries and for layouts that never see one.
  - Refused is what is not signed, is signed by an unknown, expired or retired key, is signed as another
    image, was
    changed after it was signed, or lacks a demanded attestation or one that fulfils its constraints.
  - Of several attestations of one type the one counts that says it was made last, so that an old verdict
    does not
    outlive a newer one.
  - In a layout, every byte of the image is compared with its digest.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.verdict
  - rampart.k8s.evidence
  - rampart.k8s.signing
  - rampart.k8s.signing.accepted
options:
  images:
    description: The images.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
  platform:
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Let only signed images into production, with a scan of today
  rampart.k8s.image_verify:
    keyring: /var/lib/rampart/local/signing/keyring.json
    images:
      - oci:/var/lib/rampart/images/backend
      - 127.0.0.1:5000/frontend:1.4.2
    attestations:
      - type: cyclonedx
      - type: verdict:image_scan
        constraints:
          - path: verdict
            equals: passed
          - path: time
            max_age_hours: 24
      - type: provenance
        constraints:
          - path: runDetails.builder.id
            equals: https://ci.example.com/rampart
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 2 of 2 passed
passed:
  description: Whether the gate is open.
  returned: always
  type: bool
  sample: true
violations:
  description: What does not hold, in sentences.
  returned: always
  type: list
  elements: str
  sample: ["127.0.0.1:5000/frontend:1.4.2: it is not signed"]
warnings_found:
  description: What will not hold soon.
  returned: when anything was judged
  type: list
  elements: str
  sample: []
evidence:
  description: The records of evidence, one per image.
  returned: always
  type: list
  elements: str
  sample: []
images:
  description: The images, their digests, which keys have said what, and why other statements do not count.
  returned: always
  type: list
  elements: dict
  sample:
    - image: oci:/var/lib/rampart/images/backend
      digest: sha256:2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f90
      passed: true
      signatures:
        - type: signature
          key: sha256:360eb277599410791c943ccb690a2a467a41fe205002f159722d8bd3ef73e353
      ignored: []
      violations: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._signing.options import ACCEPTED
from ansible_collections.rampart.k8s.plugins.module_utils._signing.verify_operation import ImageVerify
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import TOOLS, Workshop

SPEC = (
    ArgumentSpec(
        {
            "images": {"type": "list", "elements": "str", "required": True},
        },
        required_one_of=(("keyring", "public_keys"),),
    )
    | ACCEPTED
    | TOOLS
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageVerify:
    """Turn the options into the operation."""
    return ImageVerify(module.params, Workshop(module.params, redactor), check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
