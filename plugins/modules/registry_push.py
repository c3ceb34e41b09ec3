#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_push
short_description: Pushes images with what was signed about them, and only what a registry lacks
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Brings images to a registry, each under its name without the host, and with it the signatures and
    attestations that its layout holds.
  - The registry is asked for every part; only what it lacks is sent, compared with its digest and looked at
    while it goes by. The name comes last, so that it never means what is not whole.
  - A tag that is there keeps its meaning. One that would mean another image is refused, unless O(move_tags)
    allows it.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
  - rampart.k8s.image_sources
  - rampart.k8s.signing
  - rampart.k8s.signing.accepted
  - rampart.k8s.signing.verdicts
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A registry that is not up counts as an empty one, an image that is missing as one to come.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows what each tag means.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  registry_url:
    description: The address, as C(https://HOST:PORT). Without TLS only one on this machine is spoken to.
    type: str
    required: true
  signatures:
    description: Whether what the layout holds about an image goes with it.
    type: bool
    default: true
  move_tags:
    description: Whether a tag may come to mean another image than before.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Offer the backend to clusters elsewhere
  rampart.k8s.registry_push:
    registry_url: https://registry.example.com:5443
    registry_ca: /etc/rampart/registry-ca.crt
    docker_config: /var/lib/rampart/registry/client
    images:
      - layout: /var/lib/rampart/images/backend
        name: rampart.local/ai-backend/backend:1.2.0
"""

RETURN = r"""
reason:
  description: Why something was pushed, or that nothing had to be.
  returned: always
  type: str
  sample: the registry has all of them
images:
  description: The images in the order given, with the names to pull them by.
  returned: success
  type: list
  elements: dict
  sample:
    - name: registry.example.com:5443/backend:1.2.0
      by_digest: registry.example.com:5443/backend@sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8
      digest: sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8e9be9aeea530c50c
      id: sha256:1f7b0c55d2aa6fbb5ff0ff27a1ef8a0ef58a8ad4ac2bfb22c0b4d2b5a2c7f9d1
      signatures: 1
      reason: the registry has no such tag
pushed:
  description: The names of those that were pushed, or would be.
  returned: success
  type: list
  elements: str
  sample: ['ai-backend/backend:1.2.0']
bytes:
  description: How many bytes of blobs were sent, or would be.
  returned: success
  type: int
  sample: 3002083
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._load.gate import LoadGate
from ansible_collections.rampart.k8s.plugins.module_utils._load.options import IMAGES, sources_of, wanted_of
from ansible_collections.rampart.k8s.plugins.module_utils._registry.options import address_of
from ansible_collections.rampart.k8s.plugins.module_utils._registry.push_operation import RegistryPush
from ansible_collections.rampart.k8s.plugins.module_utils._registry.signatures import Signatures
from ansible_collections.rampart.k8s.plugins.module_utils._signing.options import ACCEPTED, VERDICTS
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import TOOLS, Workshop

SPEC = (
    PROGRESS
    | IMAGES
    | ACCEPTED
    | VERDICTS
    | TOOLS
    | ArgumentSpec(
        {
            "registry_url": {"type": "str", "required": True},
            "signatures": {"type": "bool", "default": True},
            "move_tags": {"type": "bool", "default": False},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> RegistryPush:
    """Turn the options into the operation."""
    params = module.params
    return RegistryPush(
        wanted=wanted_of(params),
        address=address_of(params, redactor),
        sources=sources_of(params, redactor),
        signatures=Signatures(Workshop(params, redactor)) if params["signatures"] else None,
        progress=Progress(params["_progress_file"]),
        move_tags=params["move_tags"],
        check_mode=module.check_mode,
        gate=LoadGate(params, redactor, check_mode=module.check_mode),
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
