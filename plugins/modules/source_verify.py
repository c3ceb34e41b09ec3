#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: source_verify
short_description: Lets only sources pass whose commits are signed and reviewed and whose dependencies are
  pinned
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Verifies the commits of a branch by git itself, with the signers that the task names. Settings of the
    repository
    or of the user, replaced objects and grafts are not believed.
  - Judges the shape of the branch. A protected branch is linear, and contains what it contained before.
  - Counts approvals by the trailers C(Reviewed-by) and C(Approved-by). They are as good as the signature of
    the commit
    that carries them, so demand both.
  - Judges whether each dependency is one exact thing. Lists are read from the commit, not from the working
    tree.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.verdict
  - rampart.k8s.evidence
options:
  repositories:
    description: The repositories.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The folder of the clone.
        type: path
        required: true
      ref:
        description: The branch, tag or commit that is judged.
        type: str
        default: HEAD
      since:
        description:
          - The commit up to which everything was judged before. It must still be contained, or the history
            was
            rewritten. Without it, all commits are judged.
        type: str
  signed_commits:
    description: Whether each commit must be signed by one of O(ssh_signers) or O(gpg_keys).
    type: bool
    default: true
  ssh_signers:
    description:
      - Lines as in the file of allowed signers of C(ssh-keygen), which are C(principals), options such as
        C(valid-before), and the public key.
    type: list
    elements: str
    default: []
  gpg_keys:
    description: Armoured public OpenPGP keys.
    type: list
    elements: str
    default: []
  linear_history:
    description: Whether merge commits are refused.
    type: bool
    default: true
  approvals:
    description: How many people other than the author and the committer must have approved each commit.
    type: int
    default: 0
  reviewers:
    description: The addresses of those whose approval counts. Without any, everybody's does.
    type: list
    elements: str
    default: []
  pinned:
    description:
      - Which dependencies must be pinned. For V(python), requirements files have C(==) and hashes. For
        V(npm), a lock
        names the integrity of every package. For V(go), C(go.sum) has a sum for every module. For V(docker),
          images
        are named by their digests.
    type: list
    elements: str
    choices: [python, npm, go, docker]
    default: [python, npm, go, docker]
  python_hashes:
    description: Whether Python requirements need hashes besides the exact version.
    type: bool
    default: true
  builder_arguments:
    description:
      - Arguments of Dockerfiles that the builder always gives, as images with their digests, as
        M(rampart.k8s.image_build) does with C(BASE). One with a default is judged by that.
    type: list
    elements: str
    default: []
  ignored_lists:
    description:
      - Patterns of lists of dependencies that are not judged, such as V(tests/*) or the ranges of a library.
        They are
        part of the policy that the evidence names.
    type: list
    elements: str
    default: []
  timeout:
    description: How many seconds each question to git may take.
    type: int
    default: 600
  git:
    description: The program git.
    type: path
    default: git
  gpg:
    description: The program gpg.
    type: path
    default: gpg
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
"""

EXAMPLES = r"""
- name: Build only what was signed and looked at
  rampart.k8s.source_verify:
    repositories:
      - path: /src/backend
        ref: main
        since: v1.4.1
    ssh_signers:
      - dev@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5x0c3j0sVvWqJ8mB3Xf0uWJmYbS6V4eZ1c5u4sWf2a
    approvals: 2
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1 of 1 passed
passed:
  description: Whether the gate is open.
  returned: always
  type: bool
  sample: true
violations:
  description: What does not hold, in sentences.
  returned: when everything could be judged
  type: list
  elements: str
  sample: ["backend@0b8df5b2cf0e: commit 0b8df5b2cf0e (Fix it) is not signed"]
warnings_found:
  description: What will not hold soon. This gate has none.
  returned: when everything could be judged
  type: list
  elements: str
  sample: []
repositories:
  description: The repositories, the commits that were judged, and the lists of dependencies.
  returned: when everything could be judged
  type: list
  elements: dict
  sample:
    - path: /src/backend
      commit: 0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f
      commits: 12
      dependency_lists: [Dockerfile, requirements.txt]
evidence:
  description: The records of evidence, one per repository.
  returned: when everything could be judged
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._source.operation import SourceVerify

REPOSITORY = {
    "path": {"type": "path", "required": True},
    "ref": {"type": "str", "default": "HEAD"},
    "since": {"type": "str"},
}

KINDS = ["python", "npm", "go", "docker"]

SPEC = (
    ArgumentSpec(
        {
            "repositories": {"type": "list", "elements": "dict", "required": True, "options": REPOSITORY},
            "signed_commits": {"type": "bool", "default": True},
            "ssh_signers": {"type": "list", "elements": "str", "default": []},
            "gpg_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "linear_history": {"type": "bool", "default": True},
            "approvals": {"type": "int", "default": 0},
            "reviewers": {"type": "list", "elements": "str", "default": []},
            "pinned": {"type": "list", "elements": "str", "choices": KINDS, "default": KINDS},
            "python_hashes": {"type": "bool", "default": True},
            "builder_arguments": {"type": "list", "elements": "str", "default": []},
            "ignored_lists": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 600},
            "git": {"type": "path", "default": "git"},
            "gpg": {"type": "path", "default": "gpg"},
        }
    )
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> SourceVerify:
    """Turn the options into the operation."""
    return SourceVerify(module.params, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
