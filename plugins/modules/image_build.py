#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Builds images, the same bytes from the same sources, and only when those changed
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Builds each image into a folder (OCI image layout) with a BuildKit daemon that runs for the time of the
    task.
  - Everything that decides about an image is hashed into one key, the files that a Dockerfile may copy, the
    Dockerfile, arguments, bases by their digests and the version of BuildKit. An image that was built with
    the same key is not built again, and no daemon is started.
  - Times of files, owners and their order do not depend on the machine, so that building twice gives one
    digest. Layers are not compressed.
  - A build has no network unless it is given one. Python packages are fetched before, by their pinned sums.
  - A tag that was given to an image is not given to another one.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.progress
options:
  images:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the image without its tag, such as V(rampart.local/ai-backend/backend).
        type: str
        required: true
      tag:
        description: The version, as M(rampart.k8s.release_version) gives it.
        type: str
        required: true
      layout:
        description: The folder that becomes the image.
        type: path
        required: true
      dockerfile:
        description: The Dockerfile.
        type: path
        required: true
      context:
        description:
          - What the Dockerfile can copy, by place in the context. The values are absolute paths of files, or
            of folders that are taken with everything in them but what O(exclude) names.
        type: dict
        required: true
      bases:
        description:
          - The images below. The one that is named last is described as the image's base.
        type: list
        elements: dict
        default: []
        suboptions:
          argument:
            description: The build argument that the Dockerfile names it with.
            type: str
            default: BASE
          name:
            description: Its name. Without O(images[].bases[].layout) it ends with C(@) and a digest.
            type: str
            required: true
          layout:
            description: The folder that holds it. It is named to the Dockerfile with its digest.
            type: path
      arguments:
        description: More build arguments. Not for secrets.
        type: dict
        default: {}
      target:
        description: The stage to build. The default is the last.
        type: str
        default: ''
      network:
        description: What network the steps of the build have.
        type: str
        choices: [none, host]
        default: none
      wheels:
        description: Python packages that are fetched before the build.
        type: dict
        suboptions:
          requirements:
            description: The lists of packages, each pinned with its sums. One of them has to name C(pip).
            type: list
            elements: path
            required: true
          place:
            description: The folder in the context. C(pip) itself is there as C(pip.whl).
            type: str
            default: wheels
          python:
            description: The version of Python in the image.
            type: str
            default: '3.11'
          glibc:
            description: The version of glibc in the image.
            type: str
            default: '2.36'
      labels:
        description: More labels, which become annotations too.
        type: dict
        default: {}
      epoch:
        description:
          - The time of everything in the image, in seconds since 1970. With O(repository) it is that of the
            commit that last touched what is built.
        type: int
        default: 0
  repository:
    description:
      - The clone that holds the sources. The images then say which commit last touched what they are built
        from, and have its time.
    type: path
  source:
    description: Where the sources are published; the images say so.
    type: str
    default: ''
  exclude:
    description:
      - More patterns of names of files and folders that are not taken. Python's and git's own are never
        taken.
    type: list
    elements: str
    default: []
  tags_file:
    description:
      - The file that remembers which digest each tag was given to. Without it tags are not remembered.
    type: path
  builder_dir:
    description: The folder of BuildKit's cache. It only saves time.
    type: path
    required: true
  builder_keep_mb:
    description: How many megabytes of BuildKit's cache are kept.
    type: int
    default: 4000
  cache_dir:
    description: Where fetched packages are kept. It only saves time.
    type: path
    required: true
  step:
    description:
      - V(whole) builds here with BuildKit. Another builder, such as a Docker Engine, builds between V(stage),
        which lays out what it needs and returns it as C(staged) in RV(images), and V(finish), which takes
        over the archive that C(docker save) wrote to C(staged.archive). Times in it are made those of the
        sources.
      - Images that changed are laid out by V(stage) and are put in place by V(finish). A run that was killed
        in between begins again.
    type: str
    choices: [whole, stage, finish]
    default: whole
  stage_dir:
    description: The folder that O(step=stage) lays out in. The steps V(stage) and V(finish) need it.
    type: path
  parallel:
    description: How many images are built beside each other.
    type: int
    default: 2
  timeout:
    description: How many seconds the build of one image may take.
    type: int
    default: 900
  buildkitd:
    description: The daemon of BuildKit.
    type: path
    default: buildkitd
  buildctl:
    description: The client of BuildKit.
    type: path
    default: buildctl
  runc:
    description: What runs the steps.
    type: path
    default: runc
attributes:
  check_mode:
    support: full
    details: A base or a program that is not there yet counts as one that will be.
  diff_mode:
    support: full
    details: Shows digests.
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
seealso:
  - module: rampart.k8s.image_base
  - module: rampart.k8s.image_budget
  - module: rampart.k8s.image_scan
  - module: rampart.k8s.release_version
  - module: rampart.k8s.reproducible_verify
"""

EXAMPLES = r"""
- name: Build the backend
  rampart.k8s.image_build:
    builder_dir: /var/lib/rampart/buildkit
    cache_dir: /var/cache/rampart
    repository: /srv/src
    tags_file: /var/lib/rampart/images/tags.json
    images:
      - name: rampart.local/ai-backend/backend
        tag: 1.4.2
        layout: /var/lib/rampart/images/backend
        dockerfile: /srv/src/backend/Dockerfile
        context:
          backend: /srv/src/backend
        bases:
          - name: rampart.local/base/python
            layout: /var/cache/rampart/bases/python
        wheels:
          requirements: [/srv/src/backend/requirements.txt]
"""

RETURN = r"""
reason:
  description: Why something was built, or that nothing had to be.
  returned: always
  type: str
  sample: "rampart.local/ai-backend/backend:1.4.2: what it is built from changed"
images:
  description: The images in the order given.
  returned: success
  type: list
  elements: dict
  sample:
    - name: rampart.local/ai-backend/backend
      tag: 1.4.2
      reference: rampart.local/ai-backend/backend:1.4.2
      layout: /var/lib/rampart/images/backend
      digest: sha256:9c1b2e7a9f3c...
      size: 98566144
      layers: 2
      revision: 0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f
      action: built
      reason: what it is built from changed
log_tail:
  description: The end of what the builder said.
  returned: when a build fails
  type: list
  elements: str
  sample: ['error: failed to solve: ...']
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._build.buildkit import BuildKit, Programs
from ansible_collections.rampart.k8s.plugins.module_utils._build.operation import (
    FINISH,
    STAGE,
    WHOLE,
    ImageBuild,
)
from ansible_collections.rampart.k8s.plugins.module_utils._build.tags import Tags
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

BASE = {
    "argument": {"type": "str", "default": "BASE"},
    "name": {"type": "str", "required": True},
    "layout": {"type": "path"},
}
WHEELS = {
    "requirements": {"type": "list", "elements": "path", "required": True},
    "place": {"type": "str", "default": "wheels"},
    "python": {"type": "str", "default": "3.11"},
    "glibc": {"type": "str", "default": "2.36"},
}
IMAGE = {
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "required": True},
    "layout": {"type": "path", "required": True},
    "dockerfile": {"type": "path", "required": True},
    "context": {"type": "dict", "required": True},
    "bases": {"type": "list", "elements": "dict", "default": [], "options": BASE},
    "arguments": {"type": "dict", "default": {}},
    "target": {"type": "str", "default": ""},
    "network": {"type": "str", "choices": ["none", "host"], "default": "none"},
    "wheels": {"type": "dict", "options": WHEELS},
    "labels": {"type": "dict", "default": {}},
    "epoch": {"type": "int", "default": 0},
}

SPEC = PROGRESS | ArgumentSpec(
    {
        "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
        "repository": {"type": "path"},
        "source": {"type": "str", "default": ""},
        "exclude": {"type": "list", "elements": "str", "default": []},
        "tags_file": {"type": "path"},
        "builder_dir": {"type": "path", "required": True},
        "builder_keep_mb": {"type": "int", "default": 4000},
        "cache_dir": {"type": "path", "required": True},
        "step": {"type": "str", "choices": [WHOLE, STAGE, FINISH], "default": WHOLE},
        "stage_dir": {"type": "path"},
        "parallel": {"type": "int", "default": 2},
        "timeout": {"type": "int", "default": 900},
        "buildkitd": {"type": "path", "default": "buildkitd"},
        "buildctl": {"type": "path", "default": "buildctl"},
        "runc": {"type": "path", "default": "runc"},
    },
    required_if=(("step", STAGE, ("stage_dir",)), ("step", FINISH, ("stage_dir",))),
)


def build(module: AnsibleModule, redactor: Redactor) -> ImageBuild:
    """Turn the options into the operation; nothing of them is secret."""
    options = module.params
    programs = Programs(options["buildkitd"], options["buildctl"], options["runc"])
    return ImageBuild(
        given=options["images"],
        repository=options["repository"],
        source=options["source"],
        exclude=options["exclude"],
        programs=programs,
        builder=BuildKit(
            programs,
            Path(options["builder_dir"]),
            keep_mb=options["builder_keep_mb"],
            timeout=options["timeout"],
        ),
        tags=Tags(Path(options["tags_file"]) if options["tags_file"] else None),
        cache=Path(options["cache_dir"]),
        parallel=options["parallel"],
        progress=Progress(options["_progress_file"]),
        step=options["step"],
        stage_dir=Path(options["stage_dir"]) if options["stage_dir"] else None,
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
