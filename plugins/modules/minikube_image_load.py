#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_image_load
short_description: Loads images from archives into the node of a minikube profile
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Loads what the node lacks, or has another image for, and looks afterwards whether each image is there
    under its name and with its id.
  - C(minikube image load) ends well for an archive that is missing, cut off or holds something else, and
    loads unchanged images again, which is why it is not used.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
  - rampart.k8s.minikube_node
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A node that does not run counts as one without images.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows the ids of images.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      reference:
        description: The name with its tag, as it stands in the archive.
        type: str
        required: true
      archive:
        description: The archive, as C(docker save) or M(rampart.k8s.image_assemble) makes it.
        type: path
        required: true
      id:
        description:
          - The digest of the image's configuration. It may be empty in check mode, when the image is not made
            yet.
        type: str
        required: true
  timeout:
    description: How many seconds one image may take.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Bring the image of the proofs into the node
  rampart.k8s.minikube_image_load:
    profile: demo
    docker_host: unix:///var/run/docker.sock
    home: /var/lib/rampart/demo/minikube/.minikube
    images:
      - reference: rampart.local/probe:1
        archive: /var/cache/rampart/images/probe.tar
        id: sha256:1f7b0c55d2aa6fbb5ff0ff27a1ef8a0ef58a8ad4ac2bfb22c0b4d2b5a2c7f9d1
"""

RETURN = r"""
reason:
  description: Why something was loaded, or that nothing had to be.
  returned: always
  type: str
  sample: the node has all of them
loaded:
  description: The names of the images that were loaded, or would be.
  returned: success
  type: list
  elements: str
  sample: ['rampart.local/probe:1']
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.load_operation import (
    LoadOperation,
    Wanted,
)
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.options import NODE, node_of

SPEC = (
    NODE
    | PROGRESS
    | ArgumentSpec(
        {
            "images": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "reference": {"type": "str", "required": True},
                    "archive": {"type": "path", "required": True},
                    "id": {"type": "str", "required": True},
                },
            },
            "timeout": {"type": "int", "default": 300},
        }
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> LoadOperation:
    """Turn the options into the operation; nothing of them is secret."""
    params = module.params
    return LoadOperation(
        node=node_of(params, timeout=params["timeout"]),
        wanted=[Wanted(item["reference"], Path(item["archive"]), item["id"]) for item in params["images"]],
        progress=Progress(params["_progress_file"]),
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
