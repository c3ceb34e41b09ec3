#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_scan
short_description: Looks for credentials in sources, images, charts, clusters and logs, and gives one verdict
version_added: 0.1.0
author: rampart.k8s contributors (@rampart-k8s)
description:
  - Runs gitleaks over every place where credentials get out and gives one verdict on all of them.
  - Of a repository it looks into every commit of every reference, what people changed while merging, the
    messages
    of commits and tags, and what is not committed yet. Of an image it looks into every layer, deleted files
    included, and into environment, labels, commands and history. Of a cluster it looks into ConfigMaps, the
    environment of workloads, annotations, and the values and manifests that Helm keeps in its release
      Secrets.
  - A credential is never shown. A finding is its rule, file, line and a keyed fingerprint. The report of
    gitleaks,
    which holds the credentials, stays in memory.
  - Neither comments (C(gitleaks:allow)) nor files (C(.gitleaksignore), C(.gitleaks.toml)) in what is looked
    into hide
    anything. What is accepted for a while stands in O(baseline), with an owner and a last day.
  - What could not be looked into is an error, never clean.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.verdict
  - rampart.k8s.evidence
options:
  name:
    description: What is judged, in a few words, for the evidence.
    type: str
    default: sources
  repositories:
    description: Clones of git repositories. One without its whole history is refused.
    type: list
    elements: path
    default: []
  paths:
    description: Files and folders, such as logs, reports, values and manifests. Archives in them are looked
      into.
    type: list
    elements: path
    default: []
  images:
    description:
      - Images, as C(oci:/FOLDER) with C(:TAG) or C(@sha256:DIGEST) for an OCI layout,
        C(docker-archive:/FILE) for what
        C(docker save) writes, and C(HOST[:PORT]/REPOSITORY) with C(:TAG) or C(@sha256:DIGEST) for a registry.
    type: list
    elements: str
    default: []
  charts:
    description:
      - Charts of Helm, which are rendered with their values. A chart that leads out of its folder, or is
        larger than charts are, is refused before; Helm itself runs without network, without settings and
        credentials of the user, and with bounds on memory, output and time.
    type: list
    elements: dict
    default: []
    suboptions:
      chart:
        description: The folder or the archive of the chart.
        type: path
        required: true
      values:
        description: Files with values.
        type: list
        elements: path
        default: []
      release:
        description: The name of the release.
        type: str
        default: release
      namespace:
        description: The namespace of the release.
        type: str
        default: default
  cluster:
    description: Whether the cluster is looked into.
    type: bool
    default: false
  namespaces:
    description: The namespaces to look into. Without any, all are.
    type: list
    elements: str
    default: []
  baseline:
    description:
      - A file with credentials that are accepted for a while, in the format of exceptions (a key
        C(exceptions) with a
        list). Each entry has C(rule), C(scope) with C(path) and C(fingerprint), C(owner), C(approver) other
          than the
        owner, C(reason), C(link), C(created), and C(expires) at most 90 days later.
      - An expired entry blocks, and one that nothing needs is told.
    type: path
  fingerprint_key:
    description:
      - The file with the key of the fingerprints, which is made when it is missing. Who shares a baseline
        shares it.
      - Without it, fingerprints differ in every run.
    type: path
  timeout:
    description: How many seconds each look may take.
    type: int
    default: 600
  gitleaks:
    description: The program gitleaks, of version 8.
    type: path
    default: gitleaks
  git:
    description: The program git, of version 2.35 or newer.
    type: path
    default: git
  crane:
    description: The program crane, which fetches images from registries.
    type: path
    default: crane
  helm:
    description: The program helm, which renders charts.
    type: path
    default: helm
attributes:
  check_mode:
    support: full
    details:
      - Looks as otherwise, records no evidence and makes no key. Paths that do not exist yet are left out.
  platform:
    platforms: posix
    support: full
"""

EXAMPLES = r"""
- name: Let nothing through that holds a credential
  rampart.k8s.secret_scan:
    name: backend
    repositories: [/src/backend]
    images: ["oci:/var/lib/rampart/images/backend"]
    charts:
      - chart: /src/backend/chart
        values: [/src/backend/chart/values-prod.yaml]
        release: backend
        namespace: prod
    paths: [/var/log/rampart]
    cluster: true
    namespaces: [dev, staging, prod]
    baseline: /src/backend/known-credentials.yml
    fingerprint_key: /var/lib/rampart/local/fingerprint.key
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
  description: What was found and is not accepted, in sentences.
  returned: when everything could be looked into
  type: list
  elements: str
  sample: ["sources: aws-access-token in deploy/.env:3 (hmac:0f6a1c7de1b9a2c4)"]
warnings_found:
  description: Entries of the baseline that end soon, and those that nothing needs.
  returned: when everything could be looked into
  type: list
  elements: str
  sample: []
findings:
  description: Everything that was found, the accepted too.
  returned: when everything could be looked into
  type: list
  elements: dict
  sample:
    - channel: git_history
      subject: /src/backend
      rule: aws-access-token
      file: deploy/.env
      line: 3
      commit: 0b8df5b2cf0e4d0f9f2c0e0b8df5b2cf0e4d0f9f
      more_commits: 0
      fingerprint: hmac:0f6a1c7de1b9a2c4
      baseline: ""
counts:
  description: How many credentials were found in each channel.
  returned: when everything could be looked into
  type: dict
  sample: {"git_history": 1, "image_layers": 0}
looked_into:
  description: What was looked into.
  returned: when everything could be looked into
  type: list
  elements: str
  sample: [repository /src/backend]
evidence:
  description: The record of evidence.
  returned: when everything could be looked into
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.operation import SecretScan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION

CHART = {
    "chart": {"type": "path", "required": True},
    "values": {"type": "list", "elements": "path", "default": []},
    "release": {"type": "str", "default": "release"},
    "namespace": {"type": "str", "default": "default"},
}

SPEC = (
    ArgumentSpec(
        {
            "name": {"type": "str", "default": "sources"},
            "repositories": {"type": "list", "elements": "path", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            "images": {"type": "list", "elements": "str", "default": []},
            "charts": {"type": "list", "elements": "dict", "default": [], "options": CHART},
            "cluster": {"type": "bool", "default": False},
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "baseline": {"type": "path"},
            "fingerprint_key": {"type": "path", "no_log": False},
            "timeout": {"type": "int", "default": 600},
            "gitleaks": {"type": "path", "default": "gitleaks"},
            "git": {"type": "path", "default": "git"},
            "crane": {"type": "path", "default": "crane"},
            "helm": {"type": "path", "default": "helm"},
        }
    )
    | CONNECTION
    | REPORT
    | EVIDENCE
)


def build(module: AnsibleModule, redactor: Redactor) -> SecretScan:
    """Turn the options into the operation."""
    return SecretScan(module.params, redactor, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
