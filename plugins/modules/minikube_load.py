#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_load
short_description: Loads images into nodes, and only what a node lacks of them
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Brings images to any containerd, each under its name and under its name by digest
    (C(REPOSITORY@sha256:...)), so that a pod that names a digest starts from what was loaded.
  - A node is asked what it has; only the blobs that it lacks are sent, in one stream and without a temporary
    file. A new name for an image that a node has costs no layer.
  - Every byte that is sent is compared with its digest, and what a layer unpacks to is looked at, before any
    name moves. Afterwards every node is asked again whether each name means what it should.
  - No registry is asked for anything, whatever the images are called.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A node that does not run counts as one without images, an image that is missing as one to come.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows what each name means on each node.
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
      layout:
        description: The folder of an OCI image layout.
        type: path
      archive:
        description: An archive as C(docker save) writes it, or of an OCI layout.
        type: path
      reference:
        description:
          - Which of several images in the layout or the archive; a tag, a whole name, or a digest. What could
            mean several images is refused.
        type: str
      platform:
        description:
          - Which platform of an image for several, such as V(linux/arm64). None is ever guessed.
        type: str
      name:
        description:
          - The name in the nodes, with its tag. When it is not set, the image has to have one whole name of
            its own.
        type: str
      digest:
        description:
          - What the gates have judged; the digest of the manifest, of the index or of the configuration. Any
            other image is refused.
        type: str
  sockets:
    description: The sockets of the containerds on this machine.
    type: list
    elements: path
    required: true
  namespace:
    description: The namespace of containerd. The kubelet sees images in V(k8s.io) only.
    type: str
    default: k8s.io
  ctr:
    description: The client of containerd.
    type: path
    default: ctr
  timeout:
    description: How many seconds the images may take for one node.
    type: int
    default: 600
notes:
  - A running container keeps the image that it was started from, whatever its name means afterwards.
    RV(nodes) says which names that is true for.
"""

EXAMPLES = r"""
- name: Bring the backend to the node of the embedded cluster
  rampart.k8s.minikube_load:
    sockets: [/var/lib/rampart/local/run/containerd/containerd.sock]
    images:
      - layout: /var/lib/rampart/images/backend
        name: rampart.local/ai-backend/backend:1.2.0
        digest: "{{ built.digest }}"
"""

RETURN = r"""
reason:
  description: Why something was loaded, or that nothing had to be.
  returned: always
  type: str
  sample: every node has all of them
images:
  description: The images in the order given, with the digests by which others know them.
  returned: success
  type: list
  elements: dict
  sample:
    - name: rampart.local/backend:1.2.0
      by_digest: rampart.local/backend@sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8e9be9aeea530c50c
      digest: sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8e9be9aeea530c50c
      id: sha256:1f7b0c55d2aa6fbb5ff0ff27a1ef8a0ef58a8ad4ac2bfb22c0b4d2b5a2c7f9d1
      platform: linux/amd64
      size: 3002083
loaded:
  description: The outcome on each node; V(unchanged), V(loaded), V(lacking) in check mode, or V(failed).
  returned: success, and when a node failed
  type: dict
  sample: {/run/containerd/containerd.sock: loaded}
nodes:
  description:
    - The same with the bytes that were sent, which names moved, and whether a container runs what they meant
      before.
  returned: success, and when a node failed
  type: dict
  sample:
    /run/containerd/containerd.sock:
      result: loaded
      bytes: 3009024
      moved:
        rampart.local/backend:1.2.0:
          before: absent
          after: sha256:83bad12e2b5d558e31fe2b42bb0b123a2bbda175312d57a8e9be9aeea530c50c
          in_use: false
bytes:
  description: How many bytes were sent to all nodes together, or would be.
  returned: success, and when a node failed
  type: int
  sample: 3009024
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._load.nodes import of_sockets
from ansible_collections.rampart.k8s.plugins.module_utils._load.operation import ImageLoad
from ansible_collections.rampart.k8s.plugins.module_utils._load.sources import Sources
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import parse

IMAGE = {
    "layout": {"type": "path"},
    "archive": {"type": "path"},
    "reference": {"type": "str"},
    "platform": {"type": "str"},
    "name": {"type": "str"},
    "digest": {"type": "str"},
}

SPEC = PROGRESS | ArgumentSpec(
    {
        "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
        "sockets": {"type": "list", "elements": "path", "required": True},
        "namespace": {"type": "str", "default": "k8s.io"},
        "ctr": {"type": "path", "default": "ctr"},
        "timeout": {"type": "int", "default": 600},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageLoad:
    """Turn the options into the operation; nothing of them is secret."""
    params = module.params
    return ImageLoad(
        wanted=[parse(entry) for entry in params["images"]],
        nodes=of_sockets(params),
        sources=Sources(),
        progress=Progress(params["_progress_file"]),
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
