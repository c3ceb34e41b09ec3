#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_version
short_description: Says which version a clone is, and writes it so that images and charts can carry it
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - A clean clone at a tag such as V(v1.4.2) is that release. Everything else is on the way to the next one,
    such as V(1.4.3-dev.5+g0b8df5b2cf0e), and its build metadata names the commit, what is not committed, and
    what else goes in. Other content has another version, so no tag of an image has to move.
  - The version is semantic (semver 2.0.0). Tags of images allow no plus sign and get V(_) in its place, as
    Helm does it.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.read_only
options:
  repository:
    description: The clone.
    type: path
  version:
    description: The version, where it is known already. The clone then only tells commit and time.
    type: str
    default: ''
  prefix:
    description: What stands before the version in a tag of the clone.
    type: str
    default: v
  initial:
    description: The first version, which is on its way while no tag is a version.
    type: str
    default: 0.1.0
  metadata:
    description: More build metadata, such as the number of a run.
    type: list
    elements: str
    default: []
  inputs:
    description:
      - What goes in besides the sources, such as the digests of base images. What is not a release gets a sum
        of them.
    type: list
    elements: str
    default: []
attributes:
  platform:
    platforms: posix
    support: full
seealso:
  - module: rampart.k8s.image_build
"""

EXAMPLES = r"""
- name: Ask which version this is
  rampart.k8s.release_version:
    repository: /srv/src
  register: release
"""

RETURN = r"""
reason:
  description: The version, and why it is that.
  returned: always
  type: str
  sample: "1.4.3-dev.5+g0b8df5b2cf0e: 5 commits after v1.4.2"
version:
  description: The version.
  returned: success
  type: str
  sample: 1.4.3-dev.5+g0b8df5b2cf0e
tag:
  description: The version as the tag of an image.
  returned: success
  type: str
  sample: 1.4.3-dev.5_g0b8df5b2cf0e
chart_version:
  description: The version as that of a Helm chart.
  returned: success
  type: str
  sample: 1.4.3-dev.5+g0b8df5b2cf0e
label:
  description: The version as the value of a label, with at most 63 characters.
  returned: success
  type: str
  sample: 1.4.3-dev.5_g0b8df5b2cf0e
released:
  description: Whether this is a release, and not one on its way.
  returned: success
  type: bool
  sample: false
clean:
  description: Whether everything in the clone is committed.
  returned: success
  type: bool
  sample: true
commit:
  description: The commit, empty without a clone.
  returned: success
  type: str
  sample: 0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f
epoch:
  description: The time of the commit in seconds since 1970, 0 without a clone.
  returned: success
  type: int
  sample: 1763800000
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._source.git import Git
from ansible_collections.rampart.k8s.plugins.module_utils._version.operation import ReleaseVersion

GIT_SECONDS = 60.0

SPEC = ArgumentSpec(
    {
        "repository": {"type": "path"},
        "version": {"type": "str", "default": ""},
        "prefix": {"type": "str", "default": "v"},
        "initial": {"type": "str", "default": "0.1.0"},
        "metadata": {"type": "list", "elements": "str", "default": []},
        "inputs": {"type": "list", "elements": "str", "default": []},
    },
    required_one_of=(("repository", "version"),),
)


def build(module: AnsibleModule, redactor: Redactor) -> ReleaseVersion:
    """Turn the options into the question."""
    options = module.params
    repository = options["repository"]
    return ReleaseVersion(
        git=Git("git", "gpg", Path(repository), timeout=GIT_SECONDS) if repository else None,
        given=options["version"],
        prefix=options["prefix"],
        initial=options["initial"],
        metadata=options["metadata"],
        inputs=options["inputs"],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
