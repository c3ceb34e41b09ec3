#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: falco_rules_check
short_description: Lets only rules pass that Falco takes
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Reads files of rules in their order, as Falco loads them, and judges syntax, fields, values, priorities,
    macros, lists, overrides and exceptions. No Falco is needed.
  - What Falco refuses is a violation. What Falco takes, but not as it was meant, is a warning.
  - Returns the rules that are on as flat rules, in which no macro, list or exception is named any more. An
    engine on Falco's libraries runs them without Falco.
  - Rules about C(syscall) and C(k8s_audit) are known. The fields are those of Falco 0.43 with its plugins
    C(container) and C(k8saudit).
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.verdict
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  files:
    description: The files, in the order in which Falco loads them.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file, which is read unless O(files[].content) is given. Findings name it.
        type: str
        required: true
      content:
        description: What stands in it.
        type: str
requirements:
  - PyYAML
seealso:
  - module: rampart.k8s.audit_alerts
"""

EXAMPLES = r"""
- name: Let only rules pass that Falco takes
  rampart.k8s.falco_rules_check:
    files:
      - path: /etc/rampart/rules/ours.yaml
      - path: quiet.yaml
        content: |
          - rule: Shell in a container
            enabled: false
            override: {enabled: replace}
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 1 of 1 passed
passed:
  description: Whether Falco would take the rules.
  returned: when the files could be read
  type: bool
  sample: true
violations:
  description: What Falco would refuse, in sentences.
  returned: when the files could be read
  type: list
  elements: str
  sample: ["1 files: ours.yaml:7: rule R: condition: nobody knows the field proc.nam"]
warnings_found:
  description: What Falco would take, but not as it was meant.
  returned: when the files could be read
  type: list
  elements: str
  sample: []
findings:
  description: All of it as data.
  returned: when the files could be read
  type: list
  elements: dict
  contains:
    severity:
      description: V(error) or V(warning).
      type: str
    file:
      description: The file.
      type: str
    line:
      description: The line of the item.
      type: int
    item:
      description: The kind and the name of the item.
      type: str
      sample: rule Shell in a container
    why:
      description: What is wrong.
      type: str
    next_step:
      description: What to do about it.
      type: str
counts:
  description: How many there are of C(rules), rules that are C(enabled), C(macros) and C(lists).
  returned: when the files could be read
  type: dict
  sample: {rules: 12, enabled: 11, macros: 9, lists: 8}
rules:
  description: The rules that are on, flat; none when there is a violation.
  returned: when the files could be read
  type: list
  elements: dict
  contains:
    rule:
      description: The name.
      type: str
    condition:
      description: The condition, which names nothing but fields.
      type: str
      sample: evt.type = execve and proc.name in (sh, bash)
    output:
      description: What an alert says.
      type: str
    priority:
      description: How bad it is.
      type: str
      sample: Warning
    source:
      description: Whose events it is about.
      type: str
      sample: syscall
    tags:
      description: The tags.
      type: list
      elements: str
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir).
  returned: when the files could be read
  type: list
  elements: str
  sample: ["operations_2y:17"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._falco.check_operation import SPEC, FalcoRulesCheck


def build(module: AnsibleModule, _redactor: Redactor) -> FalcoRulesCheck:
    """Turn the options into the operation."""
    return FalcoRulesCheck(module.params, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
