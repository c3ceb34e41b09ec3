#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: detection_verify
short_description: Prove that what is forbidden is noticed, and that the alert arrives
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Does in a real pod what a rule of Falco forbids, and waits until the alert arrives at a web hook that the
    module itself opens, or in the folder that is a queue. Silence is a violation, and the time from the event
    to the arrival is returned.
  - Something harmless is done too, and must raise no alert.
  - On every node a heartbeat is raised, by a program with C(rampart-heartbeat) among its arguments. With
    nothing but the heartbeat the module is the watch over the watch, for a playbook that runs by the clock.
  - A node that nobody watches is a violation at once. When an alert does not arrive, the detector's own log
    says whether it was raised and got lost on the way.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.gate
  - rampart.k8s.gate.provable
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
  platform:
    platforms: posix
    support: full
options:
  expectations:
    description:
      - What is done and what must come of it. Without any, only the heartbeat is proved.
      - With one that names a rule, there has to be one that names none, and the other way round.
    type: list
    elements: dict
    default: []
    suboptions:
      command:
        description:
          - The program to run in the pod, with its arguments. The pod's user is nobody, its root can only be
            read, and V(/etc/rampart-probe) can be written to.
        type: list
        elements: str
        required: true
      rule:
        description: The rule that must raise an alert. Empty for something harmless.
        type: str
        default: ""
  heartbeat_rule:
    description: The rule that notices the heartbeat.
    type: str
    default: Rampart heartbeat
  listen:
    description:
      - An address of this machine and a port, as C(HOST:PORT), that the detectors send their alerts to. The
        module listens there for the time of the task.
      - Without it and without O(queue) nobody could hear an alert, so nothing is proved.
    type: str
  queue:
    description:
      - A folder on this machine that the detectors write their alerts into. Alerts about the proof are taken
        out, so that they become no incident.
    type: path
  within:
    description: For how many seconds an alert may take to arrive, from when the program was asked for.
    type: float
    default: 5.0
  namespace:
    description: Where the pod runs. Rules that hold for an environment only see it there.
    type: str
    default: rampart-verify
  image:
    description:
      - An image with the programs that O(expectations) name, and with C(sleep) and C(true) (any BusyBox).
    type: str
    required: true
  timeout:
    description: Seconds to wait for the pods to run.
    type: int
    default: 60
  detector_namespace:
    description: The namespace of the detectors.
    type: str
    default: falco
  detector_selector:
    description: By which label their pods are known.
    type: str
    default: app.kubernetes.io/name=falco
"""

EXAMPLES = r"""
- name: Prove that a shell and a write below /etc are noticed
  rampart.k8s.detection_verify:
    listen: 192.0.2.7:9801
    namespace: prod
    image: registry.example.com/probe:1
    expectations:
      - command: [sh, -c, "true"]
        rule: Shell in a container
      - command: [sh, -c, "echo x > /etc/rampart-probe/file"]
        rule: Write below etc in a container
      - command: [cat, /etc/hostname]

- name: Hear the heartbeat of every node
  rampart.k8s.detection_verify:
    queue: /var/lib/rampart/alerts
    image: registry.example.com/probe:1
"""

RETURN = r"""
reason:
  description: The verdict in a sentence.
  returned: always
  type: str
  sample: 4 proved (3 refusals, 1 controls)
control:
  description: What was put to the test.
  returned: always
  type: str
  sample: detection
passed:
  description: Whether the gate is open. What was noticed counts as a refusal, what is harmless as a control.
  returned: always
  type: bool
  sample: true
violations:
  description: What did not hold, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
not_proven:
  description: What could not be put to the test here, with the reason.
  returned: always
  type: list
  elements: str
  sample: []
counts:
  description: How many claims were proved, of these how many refusals and how many controls, and the rest.
  returned: always
  type: dict
  sample: {"proved": 4, "denied": 3, "allowed": 1, "violations": 0, "not_proven": 0}
milliseconds:
  description:
    - How long each alert took from its event to its arrival, by rule and node. The event has the time of its
      node's clock, the arrival that of this machine.
  returned: when something was tried
  type: dict
  sample: {"Rampart-heartbeat@node-1": 6, "Shell-in-a-container@node-1": 8}
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir) and where nothing was judged.
  returned: always
  type: str
  sample: security_7y:17
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.detection import DetectionVerify
from ansible_collections.rampart.k8s.plugins.module_utils._verify.options import PROVABLE

EXPECTATION = {
    "command": {"type": "list", "elements": "str", "required": True},
    "rule": {"type": "str", "default": ""},
}

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | PROVABLE
    | ArgumentSpec(
        {
            "expectations": {"type": "list", "elements": "dict", "default": [], "options": EXPECTATION},
            "heartbeat_rule": {"type": "str", "default": "Rampart heartbeat"},
            "listen": {"type": "str"},
            "queue": {"type": "path"},
            "within": {"type": "float", "default": 5.0},
            "namespace": {"type": "str", "default": "rampart-verify"},
            "image": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
            "detector_namespace": {"type": "str", "default": "falco"},
            "detector_selector": {"type": "str", "default": "app.kubernetes.io/name=falco"},
        },
        mutually_exclusive=(("listen", "queue"),),
    )
)


def build(module: AnsibleModule, redactor: Redactor) -> DetectionVerify:
    """Turn the options into the operation."""
    return DetectionVerify(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
