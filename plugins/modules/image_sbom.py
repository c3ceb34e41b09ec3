#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_sbom
short_description: Writes the bills of materials of images and judges the licences in them
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Has syft write a CycloneDX and an SPDX document of each image. Both say by its digest which image they
    are about.
  - Documents are kept by the content of the image and the version of syft, so that an unchanged image costs
    no run of
    syft and keeps the documents that were attested.
  - An image in which syft finds no package at all is refused, unless it is declared empty. A scanner that is
    blind to an
    image would otherwise look like a clean one.
  - Judges the licences of all packages. Expressions are evaluated as SPDX defines them. Of alternatives
    (C(OR)) one
    that is allowed is enough, and of what holds together (C(AND)) all must be.
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
        description:
          - The image, as C(oci:/FOLDER) with C(:TAG) or C(@sha256:DIGEST) for an OCI layout, or
            C(HOST[:PORT]/REPOSITORY) with C(:TAG) or C(@sha256:DIGEST) for a registry.
        type: str
        required: true
      empty:
        description: Whether the image is known to hold no package, such as one of a single static program.
        type: bool
        default: false
  directory:
    description: The folder in which the documents are kept.
    type: path
    required: true
  licences:
    description: Which licences packages may carry.
    type: dict
    default: {}
    suboptions:
      allow:
        description:
          - SPDX identifiers that are allowed, with wildcards such as V(Apache-*). Without any, all that are
            not denied.
        type: list
        elements: str
        default: []
      deny:
        description: SPDX identifiers that are not allowed, with wildcards. They outweigh O(licences.allow).
        type: list
        elements: str
        default: []
      unknown:
        description: What becomes of packages without a licence or with words that are no SPDX expression.
        type: str
        choices: [allow, warn, deny]
        default: warn
  annotate:
    description:
      - Whether the index of an OCI layout names the documents of its image by their sums. The image itself
        stays the same.
    type: bool
    default: false
  registry_ca:
    description: The file with the authorities to trust at registries, in place of the system's own.
    type: path
  timeout:
    description: How many seconds syft may take for one image.
    type: int
    default: 600
  syft:
    description: The program syft.
    type: path
    default: syft
  crane:
    description: The program crane, which is asked for digests in registries.
    type: path
    default: crane
attributes:
  check_mode:
    support: full
    details:
      - Says which documents would be written, and judges only when all are there. A layout that does not
        exist yet
        counts as one that will be looked into.
  diff_mode:
    support: full
    details: Shows whose documents are missing.
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
requirements:
  - license-expression >= 30
"""

EXAMPLES = r"""
- name: Write down what the images are made of
  rampart.k8s.image_sbom:
    directory: /var/lib/rampart/local/sbom
    images:
      - image: oci:/var/lib/rampart/images/backend
      - image: 127.0.0.1:5000/coredns:v1.15.0
    licences:
      deny: [AGPL-*, SSPL-1.0, BUSL-1.1]
      unknown: warn
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: The verdict and what was written, in a sentence.
  returned: always
  type: str
  sample: 2 of 2 passed; nothing was written
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
  sample: ["oci:/var/lib/rampart/images/backend: pkg 1.0 carries AGPL-3.0-only, which the policy does not
    allow"]
warnings_found:
  description: Packages whose licence is not known.
  returned: when all images were judged
  type: list
  elements: str
  sample: []
images:
  description: The images, the number of their packages by the standing of their licences, and the documents.
  returned: always
  type: list
  elements: dict
  sample:
    - image: oci:/var/lib/rampart/images/backend
      digest: sha256:2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f90
      packages: 118
      licences: {"denied": 0, "unknown": 80, "allowed": 38}
      cyclonedx: /var/lib/rampart/local/sbom/1f0e3dad99908345f7439f8ffabdffc4.cdx.json
      spdx: /var/lib/rampart/local/sbom/1f0e3dad99908345f7439f8ffabdffc4.spdx.json
evidence:
  description: The records of evidence, one per image.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.operation import ImageSbom

IMAGE = {"image": {"type": "str", "required": True}, "empty": {"type": "bool", "default": False}}

LICENCES = {
    "allow": {"type": "list", "elements": "str", "default": []},
    "deny": {"type": "list", "elements": "str", "default": []},
    "unknown": {"type": "str", "choices": ["allow", "warn", "deny"], "default": "warn"},
}

SPEC = (
    ArgumentSpec(
        {
            "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
            "directory": {"type": "path", "required": True},
            "annotate": {"type": "bool", "default": False},
            "licences": {"type": "dict", "default": {}, "options": LICENCES},
            "registry_ca": {"type": "path"},
            "timeout": {"type": "int", "default": 600},
            "syft": {"type": "path", "default": "syft"},
            "crane": {"type": "path", "default": "crane"},
        }
    )
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageSbom:
    """Turn the options into the operation."""
    return ImageSbom(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
