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
  - Brings images to every node of a minikube profile with containerd, docker or cri-o, or to any containerd
    of this machine, such as that of an embedded cluster.
  - Each gets its name, and its name by digest (C(REPOSITORY@sha256:...)), so that a pod that names a digest
    starts from what was loaded. Only the Docker Engine keeps no such name; RV(nodes) tells.
  - A node is asked what it has; only the blobs that it lacks are sent, in one stream and without a temporary
    file. A new name for an image that a node has costs no layer.
  - Every byte that is sent is compared with its digest, and what a layer unpacks to is looked at, before any
    name moves. Afterwards every node is asked again whether each name means what it should.
  - No registry is asked for anything but what O(images[].registry) names, whatever the images are called.
  - C(minikube image load) ends well for an archive that is missing, cut off or holds something else, asks
    registries for names that it does not find, and loads unchanged images again, which is why it is not used.
  - With O(keyring) or O(public_keys) only images are loaded that an accepted key has signed, with the
    attestations that O(attestations) demands, and with O(require_verdicts) only those that these gates have
    passed. What a node has already is not judged again.
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
  profile:
    description: The minikube profile. All of its nodes get the images.
    type: str
  home:
    description: The folder of minikube's state (E(MINIKUBE_HOME)), where the profile is described.
    type: path
  docker_host:
    description: The address of the daemon that holds the nodes of the profile.
    type: str
    default: unix:///var/run/docker.sock
  sockets:
    description: The sockets of containerds on this machine, in place of a profile.
    type: list
    elements: path
    default: []
  namespace:
    description: The namespace of these containerds. The kubelet sees images in V(k8s.io) only.
    type: str
    default: k8s.io
  ctr:
    description: The client of containerd on this machine.
    type: path
    default: ctr
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

- name: Bring only what was signed, and what a scan of today has passed
  rampart.k8s.minikube_load:
    profile: demo
    home: /home/me/.minikube
    keyring: /var/lib/rampart/signing/keyring.json
    require_verdicts: [image_scan]
    evidence_dir: /var/lib/rampart/evidence
    images:
      - layout: /var/lib/rampart/images/backend
        name: rampart.local/ai-backend/backend:1.2.0

- name: Bring what docker has saved to all nodes of a minikube
  rampart.k8s.minikube_load:
    profile: demo
    home: /home/me/.minikube
    images:
      - archive: /srv/images/backend.tar
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
    - The same with the bytes that were sent, whether a pod can name the images by digest there, which names
      moved, and whether a container runs what they meant before.
  returned: success, and when a node failed
  type: dict
  sample:
    /run/containerd/containerd.sock:
      result: loaded
      bytes: 3009024
      by_digest: true
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
from ansible_collections.rampart.k8s.plugins.module_utils._load.gate import LoadGate
from ansible_collections.rampart.k8s.plugins.module_utils._load.nodes import nodes_of
from ansible_collections.rampart.k8s.plugins.module_utils._load.operation import ImageLoad
from ansible_collections.rampart.k8s.plugins.module_utils._load.options import IMAGES, sources_of, wanted_of
from ansible_collections.rampart.k8s.plugins.module_utils._signing.options import ACCEPTED, VERDICTS
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import TOOLS

SPEC = (
    PROGRESS
    | IMAGES
    | ACCEPTED
    | VERDICTS
    | TOOLS
    | ArgumentSpec(
        {
            "profile": {"type": "str"},
            "home": {"type": "path"},
            "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
            "sockets": {"type": "list", "elements": "path", "default": []},
            "namespace": {"type": "str", "default": "k8s.io"},
            "ctr": {"type": "path", "default": "ctr"},
        },
        required_by={"profile": ("home",)},
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageLoad:
    """Turn the options into the operation; nothing of them is secret."""
    params = module.params
    gate = LoadGate(params, redactor, check_mode=module.check_mode)
    return ImageLoad(
        wanted=wanted_of(params),
        nodes=nodes_of(params, check_mode=module.check_mode),
        sources=sources_of(params, redactor),
        progress=Progress(params["_progress_file"]),
        check_mode=module.check_mode,
        gate=gate,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
