#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_assemble
short_description: Makes container images out of files on this machine, and puts them where they are missing
version_added: 0.1.0
description:
  - Makes images from nothing but the given files, without a builder, a daemon or a base image.
  - The same files give the same digest on every machine. Everything in an image is sorted, owned by root and
    dated O(epoch), and its one layer is not compressed.
  - Pushes to a registry only what it lacks and reads back what it stored. An image whose digest the tag
    already names costs two requests.
  - Can write an archive per image as C(docker save) makes it, for C(docker load), C(ctr images import) and
    the image cache of minikube.
  - Files are streamed, never held in memory.
author:
  - rampart.k8s contributors (@rampart-k8s)
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The name of the image. In the registry it is the repository as it stands here; for an archive
            alone it can start with a host.
        type: str
        required: true
      tag:
        description: The tag.
        type: str
        required: true
      files:
        description:
          - What is in the image. An entry with O(images[].files[].source) is a file or all files of a folder,
            one with O(images[].files[].link) a symbolic link, and one with neither an empty folder. Folders
            above them are added.
        type: list
        elements: dict
        required: true
        suboptions:
          path:
            description: The absolute path inside the image.
            type: str
            required: true
          source:
            description:
              - The absolute path of the file on this machine. Links are followed. Of a folder all files below
                it are taken.
            type: path
          libraries:
            description:
              - Add the shared libraries that the program is linked to, and its loader, at the paths where
                this machine's loader finds them. The program itself then stands where it does on this
                machine, with O(images[].files[].path) as a link to it.
              - A program that is linked statically needs none.
            type: bool
            default: false
          link:
            description: Where the symbolic link points to.
            type: str
          mode:
            description:
              - The mode of a file or folder in octal, in quotes and with a leading zero. Of a source that is
                a folder it is the mode of the files.
            type: str
            default: '0755'
      entrypoint:
        description: The entry point.
        type: list
        elements: str
        default: []
      command:
        description: The default arguments of the entry point.
        type: list
        elements: str
        default: []
      user:
        description: The user and group that the image runs as, as numbers.
        type: str
        default: '65532:65532'
      environment:
        description: The environment variables. Not for secrets, which anybody could read in the image.
        type: dict
        default: {}
      labels:
        description: The labels.
        type: dict
        default: {}
      archive:
        description: The absolute path of an archive of this image, which is written with mode V(0644).
        type: path
  registry:
    description:
      - The address of the registry that gets all images, such as V(https://registry.example.com) or
        V(http://127.0.0.1:5000). Without TLS only loopback addresses are accepted.
      - Without it, every image needs O(images[].archive).
    type: str
  registry_ca:
    description: The file with the authorities to trust at O(registry), in place of the system's own.
    type: path
  epoch:
    description: The time of everything in the images, in seconds since 1970.
    type: int
    default: 0
  digest_cache:
    description:
      - A file in which the digests of the images' files are remembered, so that unchanged files are not read
        again. A file counts as unchanged by its inode, size, change time and modification time.
    type: path
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: A file or a registry that does not exist yet counts as one that will.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows digests.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
"""

EXAMPLES = r"""
- name: Offer CoreDNS to the cluster
  rampart.k8s.image_assemble:
    registry: http://127.0.0.1:5000
    images:
      - name: coredns
        tag: v1.15.0
        files:
          - path: /coredns
            source: /var/lib/rampart/tools/bin/coredns
          - path: /tmp
            mode: '01777'
        entrypoint: [/coredns]
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: 'coredns:v1.15.0: the registry has no such tag'
images:
  description: One entry per image, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      returned: success
      type: str
      sample: coredns
    tag:
      description: The tag.
      returned: success
      type: str
      sample: v1.15.0
    reference:
      description: The name to pull it by.
      returned: success
      type: str
      sample: 127.0.0.1:5000/coredns:v1.15.0
    digest:
      description: The digest of the manifest, empty when a file does not exist yet in check mode.
      returned: success
      type: str
      sample: sha256:9c1b2e7a9f3c...
    config_digest:
      description: The digest of the configuration, which docker calls the image ID.
      returned: success
      type: str
      sample: sha256:1f7b0c55d2aa...
    size:
      description: The size of the whole image in bytes.
      returned: success
      type: int
      sample: 61865984
    action:
      description: What happened to it, one of V(created), V(replaced) and V(unchanged).
      returned: success
      type: str
      sample: created
    reason:
      description: Why.
      returned: success
      type: str
      sample: the registry has no such tag
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import parse_path
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import Digests
from ansible_collections.rampart.k8s.plugins.module_utils._images.operation import ImageAssemble
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Recipe, parse_entry
from ansible_collections.rampart.k8s.plugins.module_utils._images.sources import expand, once
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import parse_address

SPEC = ArgumentSpec(
    options={
        "images": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "tag": {"type": "str", "required": True},
                "files": {
                    "type": "list",
                    "elements": "dict",
                    "required": True,
                    "options": {
                        "path": {"type": "str", "required": True},
                        "source": {"type": "path"},
                        "libraries": {"type": "bool", "default": False},
                        "link": {"type": "str"},
                        "mode": {"type": "str", "default": "0755"},
                    },
                },
                "entrypoint": {"type": "list", "elements": "str", "default": []},
                "command": {"type": "list", "elements": "str", "default": []},
                "user": {"type": "str", "default": "65532:65532"},
                "environment": {"type": "dict", "default": {}},
                "labels": {"type": "dict", "default": {}},
                "archive": {"type": "path"},
            },
        },
        "registry": {"type": "str"},
        "registry_ca": {"type": "path"},
        "epoch": {"type": "int", "default": 0},
        "digest_cache": {"type": "path"},
    },
)


def recipe(item: dict[str, Any]) -> Recipe:
    """Turn one entry of the option into a recipe."""
    return Recipe(
        name=item["name"],
        tag=item["tag"],
        entries=once(
            part
            for file in item["files"]
            for part in expand(
                parse_entry(item["name"], file["path"], file["mode"], file["source"], file["link"]),
                libraries=file["libraries"],
            )
        ),
        entrypoint=tuple(item["entrypoint"]),
        command=tuple(item["command"]),
        user=item["user"],
        environment={name: str(value) for name, value in item["environment"].items()},
        labels={name: str(value) for name, value in item["labels"].items()},
        archive=parse_path(item["archive"]) if item["archive"] else None,
    )


def build(module: AnsibleModule, redactor: Redactor) -> ImageAssemble:
    """Turn the options into the wanted images."""
    options = module.params
    return ImageAssemble(
        recipes=[recipe(item) for item in options["images"]],
        address=parse_address(options["registry"], options["registry_ca"]) if options["registry"] else None,
        digests=Digests(
            Path(options["digest_cache"]) if options["digest_cache"] else None,
            writable=not module.check_mode,
        ),
        epoch=options["epoch"],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
