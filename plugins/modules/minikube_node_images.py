#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_node_images
short_description: Makes the images that an air-gapped minikube needs, without any registry
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes a Debian with C(debootstrap), imports it into the Docker daemon and builds images on it.
  - Every image is known by a key, a hash of everything that it is made of. What is there under its key is not
    made again, and the Debian below is made only when an image has to be.
  - Needs root, C(debootstrap), a Debian mirror and a Docker daemon when something has to be made, and only a
    daemon when nothing has.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A daemon that does not answer counts as one without images, a missing file as one to come.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  docker_host:
    description: The address of the Docker daemon.
    type: str
    required: true
  work_dir:
    description:
      - A folder for what is made in between. It is removed with everything in it, before and after.
    type: path
    required: true
  cache_dir:
    description:
      - A folder where the Debian is kept as an archive named after its key, for the next time. Only its owner
        may be able to write to it.
    type: path
    required: true
  base:
    description: The Debian below all images.
    type: dict
    required: true
    suboptions:
      repository:
        description: The repository under which it is kept in the daemon; its tag is its key.
        type: str
        required: true
      suite:
        description: The release of Debian.
        type: str
        required: true
      mirror:
        description: The address of a mirror. Empty leaves the choice to C(debootstrap).
        type: str
        default: ''
      packages:
        description: The packages to add to a minimal system.
        type: list
        elements: str
        required: true
  builds:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      image:
        description:
          - The repository of the image; its tag is its key. With O(builds[].archive) a whole name with a tag.
        type: str
        required: true
      dockerfile:
        description: The path of the Dockerfile. It gets the name of the base as the build argument C(BASE).
        type: path
        required: true
      context:
        description:
          - What the Dockerfile copies, by path in the context. The values are absolute paths of files, or of
            folders that are taken with everything in them.
        type: dict
        required: true
      arguments:
        description: More build arguments. Not for secrets.
        type: dict
        default: {}
      archive:
        description: The path to save the image at. It is then not kept in the daemon.
        type: path
  timeout:
    description: How many seconds one step may take.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Make the node image
  rampart.k8s.minikube_node_images:
    docker_host: unix:///var/run/docker.sock
    work_dir: /var/lib/rampart/demo/minikube/build
    cache_dir: /var/cache/rampart/minikube
    base:
      repository: rampart.local/debian
      suite: bookworm
      packages: [systemd, dbus, openssh-server, iptables]
    builds:
      - image: rampart.local/minikube-node
        dockerfile: /srv/node.Dockerfile
        context:
          bin/containerd: /usr/local/bin/containerd
          cni: /opt/cni/bin
"""

RETURN = r"""
reason:
  description: Why something was made, or that nothing had to be.
  returned: always
  type: str
  sample: all are there
images:
  description: The names of the images, in the order given.
  returned: success
  type: list
  elements: str
  sample: ['rampart.local/minikube-node:0a4e4fc04abe346c']
made:
  description: The names of those that were made, the base included.
  returned: success
  type: list
  elements: str
  sample: []
log_tail:
  description: The end of the log of debootstrap or of the build.
  returned: when one of them fails
  type: list
  elements: str
  sample: []
"""

import platform
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.image_operation import ImageOperation
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.recipe import (
    Base,
    Build,
    check_packages,
    expand,
)

SPEC = PROGRESS | ArgumentSpec(
    {
        "docker_host": {"type": "str", "required": True},
        "work_dir": {"type": "path", "required": True},
        "cache_dir": {"type": "path", "required": True},
        "base": {
            "type": "dict",
            "required": True,
            "options": {
                "repository": {"type": "str", "required": True},
                "suite": {"type": "str", "required": True},
                "mirror": {"type": "str", "default": ""},
                "packages": {"type": "list", "elements": "str", "required": True},
            },
        },
        "builds": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "image": {"type": "str", "required": True},
                "dockerfile": {"type": "path", "required": True},
                "context": {"type": "dict", "required": True},
                "arguments": {"type": "dict", "default": {}},
                "archive": {"type": "path"},
            },
        },
        "timeout": {"type": "int", "default": 1800},
    }
)


def parse_build(given: dict[str, Any]) -> Build:
    """Turn the words of the person into a build."""
    return Build(
        image=given["image"],
        dockerfile=Path(given["dockerfile"]),
        context=expand({place: Path(source) for place, source in given["context"].items()}),
        arguments={name: str(value) for name, value in given["arguments"].items()},
        archive=Path(given["archive"]) if given["archive"] else None,
    )


def build(module: AnsibleModule, redactor: Redactor) -> ImageOperation:
    """Make the operation; nothing of its options is secret."""
    params = module.params
    given = params["base"]
    check_packages(given["packages"])
    return ImageOperation(
        base=Base(
            given["repository"], given["suite"], given["mirror"], tuple(given["packages"]), platform.machine()
        ),
        builds=[parse_build(item) for item in params["builds"]],
        docker_host=params["docker_host"],
        work_dir=Path(params["work_dir"]),
        cache_dir=Path(params["cache_dir"]),
        timeout=params["timeout"],
        progress=Progress(params["_progress_file"]),
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
