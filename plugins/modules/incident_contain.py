#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: incident_contain
short_description: Take evidence of pods, cut them off, and have that undone by itself
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Takes evidence first (processes and connections, logs, the pod, its events, its part of the audit log),
    each file with its hash in a manifest, and the manifest in a signed record of the evidence store.
  - Then cuts the pod off in both directions and takes it out of its Services and its workload, which makes
    a new one in its place from its template. The way through the node (C(kubectl exec), C(kubectl logs))
    stays open.
  - Before that a Job waits in the namespace C(rampart-incident) that undoes all of it when its time is
    over, whether anybody is there or not. M(rampart.k8s.incident_recover) does the same at once.
  - What is done follows from the severity. V(low) is noted, V(medium) investigated (evidence only), V(high)
    and V(critical) are contained.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
    details:
      - Sends nothing but reads, and writes no file.
  diff_mode:
    support: full
    details:
      - Shows the phases of each pod.
  idempotent:
    support: full
    details:
      - Evidence is taken once, and verified against its manifest by each further run. A quarantine that
        stands keeps its end.
  platform:
    platforms: posix
    support: full
options:
  incidents:
    description: The pods, each an incident of its own.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: The name of the incident, at most 40 lower-case letters, digits and hyphens.
        type: str
        required: true
      namespace:
        description: The namespace of the pod.
        type: str
        required: true
      pod:
        description: The name of the pod.
        type: str
        required: true
      severity:
        description: How bad it is.
        type: str
        choices: [low, medium, high, critical]
        default: high
      title:
        description: What was noticed.
        type: str
        default: ""
  folder:
    description: Where each incident has a folder with what was found, 0700.
    type: path
    required: true
  image:
    description:
      - An image with C(/bin/sh), C(date), C(sleep), C(timeout) and C(kubectl) that the cluster can run as
        any user, for the Job that undoes.
    type: str
    required: true
  ttl:
    description: After how many seconds all is undone, at most 30 days.
    type: int
    default: 14400
  detach:
    description:
      - Whether the values of all labels of the pod are replaced, so that no Service, no policy that allows
        something and no workload finds it. Without this, and without Cilium, other policies may go on
        letting something through.
    type: bool
    default: true
  scale_to_zero:
    description: Whether the workload of the pod gets no replicas. The pod is detached then, and stays.
    type: bool
    default: false
  renew_account:
    description:
      - Whether the service account of the pod is made anew, so that every token of the old one is refused.
        Other workloads of the account are rolled. Tokens in Secrets end as well.
    type: bool
    default: false
  protected:
    description:
      - Namespaces of the platform, in which nothing is cut off, beside V(kube-system), V(kube-public),
        V(kube-node-lease) and V(rampart-incident).
    type: list
    elements: str
    default: []
  allow_protected:
    description: Whether pods of the platform may be cut off too.
    type: bool
    default: false
  audit_log:
    description: The audit log of the API server, where it can be read from here.
    type: path
seealso:
  - module: rampart.k8s.incident_recover
  - module: rampart.k8s.incident_alerts_info
"""

EXAMPLES = r"""
- name: Cut a pod off for an hour
  rampart.k8s.incident_contain:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    incidents:
      - id: incident-4711
        namespace: prod
        pod: backend-6d9f7c-x2x4z
        severity: critical
    folder: /var/lib/rampart/incidents
    evidence_dir: /var/lib/rampart/evidence
    image: registry.example.org/rampart/undo:1
    ttl: 3600
"""

RETURN = r"""
reason:
  description: What is done to which pod.
  returned: always
  type: str
  sample: "Pod prod/backend-6d9f7c-x2x4z: evidence, contain"
incidents:
  description: What stands of each incident.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its name.
      type: str
      sample: incident-4711
    namespace:
      description: The namespace of the pod.
      type: str
      sample: prod
    pod:
      description: The pod.
      type: str
      sample: backend-6d9f7c-x2x4z
    severity:
      description: How bad it is.
      type: str
      sample: critical
    title:
      description: What was noticed.
      type: str
      sample: Terminal shell in container
    state:
      description: One of V(contained), V(investigated), V(noted) and V(gone).
      type: str
      sample: contained
    phases:
      description: What this run did, or would do.
      type: list
      elements: str
      sample: [evidence, contain]
    workload:
      description: What made the pod.
      type: str
      sample: Deployment/backend
    account:
      description: Its service account.
      type: str
      sample: backend
    secrets:
      description: The Secrets that the pod was given.
      type: list
      elements: str
      sample: [prod/backend-database]
    services:
      description: The Services that it was taken out of.
      type: list
      elements: str
      sample: [backend]
    open:
      description: The policies that still let something through.
      type: list
      elements: str
      sample: []
    ends:
      description: When all is undone, in seconds since 1970.
      type: int
      sample: 1796000000
    undo:
      description: For each action what takes it back.
      type: list
      elements: dict
      sample: [{"action": "Pod prod/backend-1 was labelled", "undo": "it gets the labels back that it had"}]
    rolled:
      description: The workloads that were rolled since their tokens were revoked.
      type: list
      elements: str
      sample: []
    timeline:
      description: The phases of all runs, when each began and for how many seconds it lasted.
      type: list
      elements: dict
      sample: [{"phase": "evidence", "began": "2026-11-28T08:00:00Z", "seconds": 0.4}]
    folder:
      description: Where its files are.
      type: str
      sample: /var/lib/rampart/incidents/incident-4711
    manifest:
      description: The digest of the manifest, as the evidence record names it.
      type: str
      sample: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    files:
      description: The files of evidence.
      type: list
      elements: str
      sample: [events.json, log-backend.txt, pod.json, processes-backend.json]
    missing:
      description: What could not be had, with the reason.
      type: dict
      sample: {}
evidence:
  description: The evidence records of this run.
  returned: success
  type: list
  elements: str
  sample: ["security_7y:42"]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._incident.contain_operation import (
    SPEC,
    IncidentContain,
)


def main() -> None:
    """Run the module."""
    run(
        SPEC,
        lambda module, redactor: IncidentContain(module.params, redactor, check_mode=module.check_mode),
    )


if __name__ == "__main__":
    main()
