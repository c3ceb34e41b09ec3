#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_check
short_description: Check that a run can succeed on this machine before it touches anything
version_added: 0.1.0
description:
  - Compares the machine, its Python and the variables of the inventory with what the chosen driver needs.
  - It answers every question before it fails, so that a person mends everything in one go.
  - A variable that begins like one of this collection's, but that no role reads, is a failure, since a
    misspelt name would otherwise leave its default in force without a word.
author:
  - rampart.k8s contributors (@rampart-k8s)
attributes:
  check_mode:
    description: Can run in check mode and tells the same.
    support: full
  diff_mode:
    description: Tells before and after in diff mode.
    support: none
    details: It changes nothing.
  idempotent:
    description: The same call again changes nothing.
    support: full
  platform:
    description: Where it runs.
    platforms: linux
    support: full
options:
  driver:
    description: How the cluster comes to be.
    type: str
    required: true
    choices: [embedded, minikube, existing]
  cni:
    description: The network of an embedded cluster's node.
    type: str
    default: cilium
    choices: [cilium, bridge]
  node:
    description: Whether an embedded cluster has a node on this machine.
    type: bool
    default: true
  folders:
    description: The folders that an embedded cluster fills; each needs O(disk_gb) of free space.
    type: list
    elements: path
    default: []
  memory_mb:
    description: The memory that an embedded cluster needs.
    type: int
    required: true
  disk_gb:
    description: The free space that each of O(folders) needs.
    type: int
    required: true
  core_version:
    description: The version of ansible-core that runs the play.
    type: str
    required: true
  variables:
    description: The names of the variables that the inventory and the command line define.
    type: list
    elements: str
    default: []
  foreign_variables:
    description: Names that look like this collection's, but belong to something else.
    type: list
    elements: str
    default: []
  roles_dir:
    description: Where the roles of this collection are; their argument specifications name every variable.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Check the machine before anything is touched
  rampart.k8s.preflight_check:
    driver: embedded
    folders:
      - /var/lib/rampart
    memory_mb: 3000
    disk_gb: 5
    core_version: "{{ ansible_version.full }}"
    variables: "{{ query('ansible.builtin.varnames', '^cluster_') }}"
    roles_dir: "{{ role_path | dirname }}"
"""

RETURN = r"""
reason:
  description: What was found, in a sentence.
  returned: always
  type: str
  sample: All 14 checks passed.
checks:
  description: Every question with its answer; of a failure, the questions that failed.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What was asked.
      type: str
      sample: memory
    passed:
      description: Whether the answer is good enough.
      type: bool
    found:
      description: The answer.
      type: str
      sample: 24096 MB
    next_step:
      description: What to do when it did not pass.
      type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._preflight import checks, machine, variables

SPEC = ArgumentSpec(
    {
        "driver": {"type": "str", "required": True, "choices": ["embedded", "minikube", "existing"]},
        "cni": {"type": "str", "default": "cilium", "choices": ["cilium", "bridge"]},
        "node": {"type": "bool", "default": True},
        "folders": {"type": "list", "elements": "path", "default": []},
        "memory_mb": {"type": "int", "required": True},
        "disk_gb": {"type": "int", "required": True},
        "core_version": {"type": "str", "required": True},
        "variables": {"type": "list", "elements": "str", "default": []},
        "foreign_variables": {"type": "list", "elements": "str", "default": []},
        "roles_dir": {"type": "path", "required": True},
    }
)


class Preflight:
    """The questions of one run; it never changes anything, so its plan is its result."""

    def __init__(self, module: AnsibleModule) -> None:
        self._options = module.params

    def plan(self) -> Plan:
        """Answer every question, then fail if one did not pass."""
        options = self._options
        roles = variables.declared(Path(options["roles_dir"]))
        judged = checks.judge(
            machine.observe(options["folders"], checks.libraries(options["driver"])),
            checks.Wanted(
                driver=options["driver"],
                cni=options["cni"],
                node=options["node"],
                memory_mb=options["memory_mb"],
                disk_gb=options["disk_gb"],
                core=options["core_version"],
            ),
            variables.unknown(options["variables"], roles, options["foreign_variables"]),
        )
        failed = [check for check in judged if not check.passed]
        if failed:
            lines = "".join(f"\n  - {check.name}: {check.found}. {check.next_step}" for check in failed)
            raise RampartError(
                f"{len(failed)} of {len(judged)} preflight checks failed; nothing has been touched.{lines}",
                checks=[check.as_dict() for check in failed],
            )
        return Plan(
            changed=False,
            reason=f"All {len(judged)} checks passed.",
            result={"checks": [check.as_dict() for check in judged]},
        )

    def apply(self, plan: Plan) -> Plan:
        """Return the plan as it is: a check changes nothing."""
        return plan


def build(module: AnsibleModule, redactor: Redactor) -> Preflight:
    """Make the operation; it handles no secret."""
    return Preflight(module)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
