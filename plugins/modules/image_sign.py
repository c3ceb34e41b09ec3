#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_sign
short_description: Signs images and what is known of them, in registries and in layouts that never see one
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Signs images with the active key of a ring, and attests what is known of them, such as their SBOM, the
    verdicts of
    gates and how they were built (SLSA provenance v1).
  - What the active key has said already is not said again, and costs one verification.
  - Each signature is verified with the ring's public key before it is attached to the image.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.signing
  - rampart.k8s.signing.verdicts
  - rampart.k8s.signing.passphrases
options:
  keys:
    description: The folder of the ring, as M(rampart.k8s.signing_keys) makes it.
    type: path
    required: true
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      image:
        description: The image.
        type: str
        required: true
      attestations:
        description: What is attested besides the signature itself.
        type: list
        elements: dict
        default: []
        suboptions:
          type:
            description:
              - One of V(cyclonedx), V(spdx), V(provenance) and C(verdict:GATE), or the URI of another type.
            type: str
            required: true
          predicate:
            description: What is attested, as data.
            type: dict
          file:
            description: What is attested, as a JSON file.
            type: path
      build:
        description: How the image was built. It becomes an attestation of type V(provenance).
        type: dict
        suboptions:
          builder:
            description: The URI of who built it.
            type: str
            required: true
          type:
            description: The URI of how it was built. The default is this collection's own pipeline.
            type: str
          source_uri:
            description: Where the sources are.
            type: str
            required: true
          source_commit:
            description: The commit of the sources.
            type: str
            required: true
          dependencies:
            description: What else went into it, such as the base image.
            type: list
            elements: dict
            default: []
            suboptions:
              uri:
                description: Where it is.
                type: str
                required: true
              digest:
                description: Its digest, such as V(sha256:...).
                type: str
                required: true
          parameters:
            description: What the build was asked to do. Not for secrets.
            type: dict
            default: {}
          invocation:
            description: Which run it was.
            type: str
          started:
            description: When it began, in RFC 3339.
            type: str
          finished:
            description: When it ended, in RFC 3339. It decides which of several attestations counts.
            type: str
  resign:
    description:
      - Whether everything that another accepted key of the ring has signed is signed by the active key too.
        This is
        the middle of a rotation.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    details: A layout that does not exist yet counts as one that will be signed.
  diff_mode:
    support: full
    details: Shows which statements are missing.
  idempotent:
    support: full
    details: An attestation with another content, such as a newer verdict, is added to those before.
  platform:
    platforms: linux
    support: full
"""

EXAMPLES = r"""
- name: Sign what the scanners passed
  rampart.k8s.image_sign:
    keys: /var/lib/rampart/local/signing
    passphrase: "{{ signing_passphrase }}"
    require_verdicts: [image_scan]
    evidence_dir: /var/lib/rampart/evidence
    images:
      - image: oci:/var/lib/rampart/images/backend
        attestations:
          - type: cyclonedx
            file: /var/lib/rampart/sbom/backend.cdx.json
        build:
          builder: https://ci.example.com/rampart
          source_uri: git+https://git.example.com/backend
          source_commit: 0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f

- name: Let the new key sign everything that the old one has signed
  rampart.k8s.image_sign:
    keys: /var/lib/rampart/local/signing
    passphrase: "{{ signing_passphrase }}"
    resign: true
    images:
      - image: 127.0.0.1:5000/backend:1.4.2
"""

RETURN = r"""
reason:
  description: What was signed.
  returned: always
  type: str
  sample: "oci:/var/lib/rampart/images/backend lacks from the active key: signature, cyclonedx"
images:
  description: The images, their digests, and what was signed now, or would be.
  returned: success
  type: list
  elements: dict
  sample:
    - image: oci:/var/lib/rampart/images/backend
      digest: sha256:2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f90
      signed: [signature, cyclonedx]
key:
  description: The identity of the active key.
  returned: success
  type: str
  sample: sha256:360eb277599410791c943ccb690a2a467a41fe205002f159722d8bd3ef73e353
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._signing.options import VERDICTS
from ansible_collections.rampart.k8s.plugins.module_utils._signing.sign_operation import ImageSign
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import SECRETS, TOOLS, Workshop

DEPENDENCY = {"uri": {"type": "str", "required": True}, "digest": {"type": "str", "required": True}}

BUILD = {
    "builder": {"type": "str", "required": True},
    "type": {"type": "str"},
    "source_uri": {"type": "str", "required": True},
    "source_commit": {"type": "str", "required": True},
    "dependencies": {"type": "list", "elements": "dict", "default": [], "options": DEPENDENCY},
    "parameters": {"type": "dict", "default": {}},
    "invocation": {"type": "str"},
    "started": {"type": "str"},
    "finished": {"type": "str"},
}

ATTESTATION = {
    "type": {"type": "str", "required": True},
    "predicate": {"type": "dict"},
    "file": {"type": "path"},
}

IMAGE = {
    "image": {"type": "str", "required": True},
    "attestations": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": ATTESTATION,
        "required_one_of": [("predicate", "file")],
        "mutually_exclusive": [("predicate", "file")],
    },
    "build": {"type": "dict", "options": BUILD},
}

SPEC = (
    ArgumentSpec(
        {
            "keys": {"type": "path", "required": True, "no_log": False},
            "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
            "resign": {"type": "bool", "default": False},
        }
    )
    | VERDICTS
    | TOOLS
    | SECRETS
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageSign:
    """Turn the options into the operation."""
    return ImageSign(module.params, Workshop(module.params, redactor), check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
