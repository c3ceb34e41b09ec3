#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a cluster by the CIS Kubernetes Benchmark, with evidence for every control."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cis_benchmark
short_description: Judge a cluster by the CIS Kubernetes Benchmark, with evidence for every control
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Runs kube-bench on the components of one cluster on this machine, and answers what kube-bench leaves to a
    person from the processes, their files, the API and the raw values in etcd.
  - kube-bench's definitions are used as they are, but for where they look. It is pointed at the processes of
    the cluster under O(cluster_root) by their numbers, so that two clusters of a machine are told apart.
  - Every control is answered with C(PASS), C(FAIL), C(WARN) or C(NOT APPLICABLE), and with what the answer
    rests on. Where kube-bench and our own check both have an answer, the worse one counts. C(NOT APPLICABLE)
    goes before both.
  - This is a gate. It fails when a control fails, and when a control is a warning that nobody explained.
    With O(report_only=true) it only tells.
  - An answer of kube-bench that is empty, cut off or short of a control is a failure, never a pass.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.evidence
  - rampart.k8s.evidence.reusable
attributes:
  check_mode:
    support: full
    details:
      - Everything is judged; no report is written. Without a cluster that answers, nothing is judged.
  diff_mode:
    support: full
    details:
      - Names the reports that change.
  idempotent:
    support: full
    details:
      - Reports hold no time, so that an unchanged cluster leaves them unchanged.
  platform:
    platforms: linux
    support: full
options:
  kube_bench:
    description: The kube-bench program, version 0.12.
    type: path
    default: kube-bench
  definitions:
    description: The folder of kube-bench's definitions, which its module calls C(cfg).
    type: path
    required: true
  benchmark:
    description: Which of the definitions is used.
    type: str
    default: cis-1.10
  timeout:
    description: Seconds that kube-bench may take.
    type: float
    default: 120
  targets:
    description:
      - Which parts kube-bench judges here. The policies of the API (section 5) are always judged.
      - An empty list is for a cluster whose machines cannot be reached; only its API is judged then.
    type: list
    elements: str
    choices: [master, etcd, controlplane, node]
    default: [master, etcd, controlplane, node]
  cluster_root:
    description:
      - The folder that tells the cluster's processes from others. A process belongs to the cluster when one
        of its arguments names something below this folder. Required unless O(targets) is empty.
    type: path
  files:
    description: Where the cluster's files stand.
    type: dict
    default: {}
    suboptions:
      service:
        description: The file that says how the components are started, in place of static pods and units.
        type: path
      pki:
        description: The folder of keys and certificates.
        type: path
      admin_kubeconfig:
        description: The administrator's kubeconfig.
        type: path
      super_admin_kubeconfig:
        description: The kubeconfig for emergencies.
        type: path
      scheduler_kubeconfig:
        description: The scheduler's kubeconfig.
        type: path
      controller_manager_kubeconfig:
        description: The controller manager's kubeconfig.
        type: path
      etcd_data:
        description: The data folder of etcd.
        type: path
      kubelet_config:
        description: The kubelet's configuration file.
        type: path
      kubelet_kubeconfig:
        description: The kubelet's kubeconfig.
        type: path
      kubelet_ca:
        description: The authority of the kubelet's clients.
        type: path
      proxy_kubeconfig:
        description: The kubeconfig of kube-proxy.
        type: path
      cni:
        description: The folder of the network's configuration.
        type: path
  explanations:
    description:
      - Why a control stays a warning, by the number of the control. Each value holds C(reason) and
        C(decided_by), the role or person who decides about it.
      - An explanation counts for warnings only. A failed control cannot be explained away.
    type: dict
    default: {}
  trusted_subjects:
    description:
      - Whose powers in the cluster are meant, as patterns of C(User:name), C(Group:name) and
        C(ServiceAccount:namespace/name).
    type: list
    elements: str
    default: ["Group:system:masters", "Group:system:nodes", "User:system:*", "ServiceAccount:kube-system/*"]
  system_namespaces:
    description: Namespaces of the system itself, to which rules for workloads do not apply.
    type: list
    elements: str
    default: [kube-system, kube-public, kube-node-lease]
  report_paths:
    description: Files to write the result to. Their names end with V(.json), V(.md) or V(.xml) (JUnit).
    type: list
    elements: path
    default: []
  report_only:
    description: Whether violations are only told.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Judge a cluster of this machine
  rampart.k8s.cis_benchmark:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    definitions: /opt/kube-bench/cfg
    cluster_root: /var/lib/rampart/local
    files:
      pki: /var/lib/rampart/local/pki
      kubelet_config: /var/lib/rampart/local/etc/kubelet.yaml
    explanations:
      3.1.1:
        reason: People log in with client certificates that end after 90 days.
        decided_by: the platform's owner
    report_paths: [/var/lib/rampart/local/reports/cis.md]

- name: Judge what the API shows of a cluster elsewhere, without failing
  rampart.k8s.cis_benchmark:
    definitions: /opt/kube-bench/cfg
    targets: []
    report_only: true
"""

RETURN = r"""
reason:
  description: The counts in a sentence, or the violations.
  returned: always
  type: str
  sample: 110 PASS, 0 FAIL, 12 WARN, 2 NOT APPLICABLE
passed:
  description: Whether no control failed and every warning is explained.
  returned: when the benchmark was run
  type: bool
  sample: true
counts:
  description: How many controls got each answer.
  returned: when the benchmark was run
  type: dict
  sample: {PASS: 110, FAIL: 0, WARN: 12, NOT APPLICABLE: 2}
violations:
  description: What keeps the gate shut, each with C(id), C(title), C(found) and C(fix).
  returned: when the benchmark was run
  type: list
  elements: dict
  sample: []
controls:
  description: Every control with its answer.
  returned: when the gate opened, or with O(report_only=true)
  type: list
  elements: dict
  sample:
    - id: 1.2.20
      title: Ensure that the --request-timeout argument is set as appropriate (Manual)
      status: PASS
      evidence: [kube-apiserver --request-timeout=60s]
      source: rampart.k8s
      remediation: ""
      explanation: ""
      decided_by: ""
table:
  description: Lines for a person, of all controls that did not plainly pass, and the counts.
  returned: when the gate opened, or with O(report_only=true)
  type: list
  elements: str
reused:
  description: Whether an earlier verdict was taken over, since nothing that it rests on has changed. Then
    RV(table) and RV(controls) are not there.
  returned: success
  type: bool
  sample: false
evidence:
  description: The evidence record of the verdict; empty without O(evidence_dir) and in check mode.
  returned: success
  type: str
  sample: audit_10y:17
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._cis.keeping import GATE, Keeper
from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench
from ansible_collections.rampart.k8s.plugins.module_utils._cis.layout import kube_bench_files, replaced_paths
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import explanations_of
from ansible_collections.rampart.k8s.plugins.module_utils._cis.operation import Benchmark
from ansible_collections.rampart.k8s.plugins.module_utils._cis.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE, MAX_AGE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._verify.ledger import Ledger

TARGETS = ["master", "etcd", "controlplane", "node"]
SUBJECTS = ["Group:system:masters", "Group:system:nodes", "User:system:*", "ServiceAccount:kube-system/*"]
FILES = (
    "service",
    "pki",
    "admin_kubeconfig",
    "super_admin_kubeconfig",
    "scheduler_kubeconfig",
    "controller_manager_kubeconfig",
    "etcd_data",
    "kubelet_config",
    "kubelet_kubeconfig",
    "kubelet_ca",
    "proxy_kubeconfig",
    "cni",
)

OPTIONS = ArgumentSpec(
    {
        "kube_bench": {"type": "path", "default": "kube-bench"},
        "definitions": {"type": "path", "required": True},
        "benchmark": {"type": "str", "default": "cis-1.10"},
        "timeout": {"type": "float", "default": 120},
        "targets": {"type": "list", "elements": "str", "choices": TARGETS, "default": TARGETS},
        "cluster_root": {"type": "path"},
        "files": {"type": "dict", "default": {}, "options": {name: {"type": "path"} for name in FILES}},
        "explanations": {"type": "dict", "default": {}},
        "trusted_subjects": {"type": "list", "elements": "str", "default": SUBJECTS},
        "system_namespaces": {
            "type": "list",
            "elements": "str",
            "default": ["kube-system", "kube-public", "kube-node-lease"],
        },
        "report_paths": {"type": "list", "elements": "path", "default": []},
    }
)

SPEC = CONNECTION | EVIDENCE | MAX_AGE | REPORT | OPTIONS


def build(module: AnsibleModule, redactor: Redactor) -> Benchmark:
    """Turn the options into the operation."""
    options: dict[str, Any] = module.params
    if options["targets"] and not options["cluster_root"]:
        raise RampartError(
            "The benchmark does not know which processes are the cluster's.",
            next_step="give cluster_root, or an empty list of targets to judge the API only",
        )
    files = {name: path for name, path in options["files"].items() if path}
    bench = KubeBench(
        options["kube_bench"], Path(options["definitions"]), options["benchmark"], options["timeout"]
    )
    order = Order(
        bench,
        tuple(options["targets"]),
        options["cluster_root"],
        kube_bench_files(files),
        replaced_paths(files),
        explanations_of(options["explanations"]),
        tuple(options["trusted_subjects"]),
        tuple(options["system_namespaces"]),
        tuple(options["report_paths"]),
        options["report_only"],
        module.check_mode,
    )
    ledger = Ledger.of(GATE, options, redactor, check_mode=module.check_mode)
    keeper = Keeper(ledger, options["max_age"]) if ledger.store else None
    return Benchmark(order, lambda: Client(Connection.of(options), redactor), keeper)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
