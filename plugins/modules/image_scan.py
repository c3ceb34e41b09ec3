#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge images by one policy over four scanners."""

from __future__ import annotations

DOCUMENTATION = r"""
module: image_scan
short_description: Judge images by one policy over four scanners
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Lets trivy, grype, dockle and hadolint judge a list of images, Dockerfiles and lists of parts (SBOM),
    brings what they say into one form, and opens or shuts the gate by one policy.
  - An image is brought once, its digests are verified, and every scanner reads exactly this copy. The verdict
    is about the digest of the image's configuration. When the name means another image at the end, the
    verdict is an error.
  - A scanner that is missing, of another version, ended by a signal or by its time, that leaves an empty,
    cut-off or foreign report, that finds no package, or whose database is missing, broken or too old, is
    never a pass.
  - Reports are kept by the digest of the image, the version of the scanner and the build of its database. An
    unchanged image starts no scanner. It is judged anew all the same, since time may end an exception or make
    a repair overdue.
  - When a vulnerability was first seen is kept per line of images, so that a new build does not start its
    time to repair anew.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.progress
  - rampart.k8s.evidence
attributes:
  check_mode:
    support: full
    details:
      - Scanning only reads, so check mode scans and judges. It writes no report, evidence, clock or cache.
        What cannot be judged, because an image or a scanner is not there yet, is told and does not shut the
        gate.
  diff_mode:
    support: none
    details:
      - A gate changes nothing.
  idempotent:
    support: full
    details:
      - A gate changes nothing; reports, evidence, clocks and the cache are its traces.
  platform:
    platforms: linux
    support: full
options:
  images:
    description: What is judged.
    type: list
    elements: dict
    required: true
    suboptions:
      docker:
        description: The name or the id of an image in the Docker daemon. No registry is asked for it.
        type: str
      containerd:
        description: The whole name of an image in containerd, as the node of a cluster has it.
        type: str
      registry:
        description: The name of an image in a registry with its digest.
        type: str
      archive:
        description: An archive as C(docker save), C(crane), C(ctr) or C(skopeo) write it, or in OCI format.
        type: path
      layout:
        description: A folder in OCI format.
        type: path
      sbom:
        description: A list of parts in CycloneDX or SPDX format. Only packages are judged.
        type: path
      dockerfile:
        description: The Dockerfile of the image, or a Dockerfile to be judged by itself.
        type: path
      reference:
        description: Which of several images in an archive or in a folder is meant.
        type: str
      name:
        description:
          - The line of images that this one belongs to. The time to repair runs per line.
          - Derived from the name without its tag when it is not given.
        type: str
      expect_packages:
        description:
          - Whether an image in which no scanner finds a package is an error. Set it to V(false) for an image
            that has none, such as one with a single C program.
        type: bool
        default: true
  policy:
    description: What is allowed. The defaults are the guideline's.
    type: dict
    default: {}
    suboptions:
      block_critical:
        description: Whether a critical vulnerability blocks at once. Otherwise it blocks when it is due.
        type: bool
        default: true
      block_high:
        description: Whether a high vulnerability blocks at once. Otherwise it blocks when it is due.
        type: bool
        default: true
      allow_medium_with_fix:
        description:
          - Whether a medium vulnerability passes while a fixed version exists and the repair is not yet due.
          - With V(false) every medium one blocks.
        type: bool
        default: true
      severity:
        description:
          - Which severity counts where sources differ. V(highest) is the worst that anybody claims, V(vendor)
            that of the distribution or of the registry of the package where it has one.
          - What nobody gives a severity is unknown, and unknown blocks.
        type: str
        choices: [highest, vendor]
        default: highest
      due_hours:
        description: Hours to repair, from when a vulnerability was first seen in the line of images.
        type: dict
        default: {}
        suboptions:
          critical:
            description: For critical ones, 4 when it is not given.
            type: int
          high:
            description: For high ones, 24 when it is not given.
            type: int
          medium:
            description: For medium ones, 168 (7 days) when it is not given.
            type: int
          low:
            description: For low and negligible ones, 720 (30 days) when it is not given.
            type: int
      block_checks_from:
        description:
          - From which severity on a misconfiguration or a finding of a linter blocks. C(FATAL) of dockle and
            C(error) of hadolint are high, C(WARN) and C(warning) are medium, C(INFO) and C(info) are low.
        type: str
        choices: [critical, high, medium, low, negligible]
        default: high
      not_about_images:
        description: Checks that say something about the machine that checks, and nothing about the image.
        type: list
        elements: str
        default: [CIS-DI-0005]
      denied_licences:
        description:
          - Patterns of SPDX identifiers whose licences block. Of alternatives one that passes is enough.
        type: list
        elements: str
        default: []
      allowed_licences:
        description:
          - Patterns of the only SPDX identifiers that pass. With an empty list all pass that are not denied.
        type: list
        elements: str
        default: []
      block_end_of_life:
        description: Whether a distribution blocks that gets no security updates any more.
        type: bool
        default: true
      block_root:
        description: Whether an image blocks that runs as root or names no user.
        type: bool
        default: true
      max_size_mb:
        description: The most megabytes of an unpacked image; V(0) is no limit.
        type: int
        default: 0
      required_scanners:
        description: Scanners without which an image is not judged. Each counts for what it can read.
        type: list
        elements: str
        choices: [trivy, grype, dockle, hadolint]
        default: [trivy, grype, dockle, hadolint]
      require_dockerfile:
        description: Whether every image must come with its Dockerfile.
        type: bool
        default: false
      max_database_hours:
        description: How old a database of vulnerabilities may be.
        type: int
        default: 120
      allow_stale_database:
        description: Whether an older database is used all the same. The result then says so.
        type: bool
        default: false
  environment_name:
    description: The name of the environment that the policy belongs to, for reports and evidence.
    type: str
    default: ""
  exceptions:
    description:
      - The file of exceptions. Each names a vulnerability or a rule, a scope, an owner, another person who
        approved it, a reason, a link, and the days of its creation and its end, at most 90 days apart.
      - One that ends soon is warned of, one that has ended blocks what it covered, one that covers nothing is
        told.
    type: path
  scanners:
    description: The scanners that are asked.
    type: list
    elements: str
    choices: [trivy, grype, dockle, hadolint]
    default: [trivy, grype, dockle, hadolint]
  programs:
    description: Where the scanners are, by their names. Those not given are searched on the PATH.
    type: dict
    default: {}
  sums:
    description: SHA-256 sums that the scanners must have, by their names.
    type: dict
    default: {}
  trivy_database:
    description: The folder that holds trivy's C(db).
    type: path
    default: ~/.cache/rampart/scan/databases/trivy
  grype_database:
    description: The folder that holds grype's C(6).
    type: path
    default: ~/.cache/rampart/scan/databases/grype
  docker_program:
    description: The client of Docker.
    type: str
    default: docker
  docker_host:
    description: The address of the Docker daemon.
    type: str
    default: unix:///var/run/docker.sock
  ctr_program:
    description: The client of containerd.
    type: str
    default: ctr
  containerd_address:
    description: The socket of containerd.
    type: path
    default: /run/containerd/containerd.sock
  containerd_namespace:
    description: The namespace of containerd that holds the images.
    type: str
    default: k8s.io
  crane_program:
    description: The client of registries.
    type: str
    default: crane
  cache_dir:
    description: Where reports are kept. It only saves time.
    type: path
    default: ~/.cache/rampart/scan
  state_dir:
    description:
      - Where it is kept when each vulnerability was first seen. Without it every repair gets its time anew.
    type: path
    default: /var/lib/rampart/scan
  report_dir:
    description:
      - Where reports are written as JSON, SARIF, JUnit, HTML and a table, and per image a CycloneDX VEX and
        the exceptions in the formats of trivy, grype, hadolint, dockle and Kyverno.
    type: path
  parallel:
    description: How many scanners run beside each other.
    type: int
    default: 2
  memory_mb:
    description: The most megabytes of data that one scanner may hold.
    type: int
    default: 3072
  timeout:
    description: The most seconds that one scanner may take for one image.
    type: int
    default: 900
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
seealso:
  - module: rampart.k8s.scan_databases
"""

EXAMPLES = r"""
- name: Judge what was built
  rampart.k8s.image_scan:
    images:
      - docker: ai-backend/api:1.4.2
        dockerfile: /srv/src/api/Dockerfile
      - archive: /srv/images/worker.tar
    exceptions: /srv/policy/exceptions.yml
    report_dir: /srv/reports
    evidence_dir: /var/lib/rampart/local/evidence

- name: Judge a Dockerfile before anything is built, and only tell
  rampart.k8s.image_scan:
    images:
      - dockerfile: /srv/src/api/Dockerfile
    report_only: true

- name: Judge what runs on a node, less strictly
  rampart.k8s.image_scan:
    images:
      - containerd: registry.example.com/ai-backend/api:1.4.2
    environment_name: dev
    policy:
      block_high: false
      max_database_hours: 240
"""

RETURN = r"""
reason:
  description: The verdicts in a sentence, or what blocks which image.
  returned: always
  type: str
  sample: "2 judged: 2 passed"
passed:
  description: Whether every image passed.
  returned: always
  type: bool
  sample: true
images:
  description:
    - One entry per image, in their order. C(violations) and C(disagreements) are bounded; the reports hold
      all.
  returned: always
  type: list
  elements: dict
  sample:
    - name: ai-backend/api
      image: docker:ai-backend/api:1.4.2
      digest: sha256:6c0b4bd1c9b2e3c1d0a8f1f4f0f5f0c0b9a8e7d6c5b4a39281706f5e4d3c2b1a
      verdict: passed
      reason: "passed: 1 medium, 4 low, 1 excepted"
      summary: {critical: 0, high: 1, medium: 1, low: 4, negligible: 0, unknown: 0}
      violations: []
      violations_total: 0
      scanners:
        trivy: {version: 0.74.0, cached: true}
      databases:
        trivy: {built: "2026-11-22T04:52:52Z", stale: false}
      stale_db: false
      cached: true
      exceptions: [CVE-2026-1234 for pkg:deb/debian/zlib1g until 2026-12-24]
      disagreements: []
      distribution: debian 12.15
table:
  description: Lines for a person.
  returned: always
  type: list
  elements: str
reports:
  description: The files that were written.
  returned: always
  type: list
  elements: str
  sample: [/srv/reports/scan.sarif]
scanners_started:
  description: How many scanner processes were needed.
  returned: always
  type: int
  sample: 0
network:
  description: How the scanners were kept from the network, V(network namespace) or V(none).
  returned: always
  type: str
  sample: network namespace
policy:
  description: The digest of the policy.
  returned: always
  type: str
exceptions:
  description: Exceptions that end soon (C(warnings)), have ended (C(expired)) or cover nothing (C(unused)).
  returned: always
  type: dict
  sample: {warnings: [], expired: [], unused: []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._scan.operation import ImageScan
from ansible_collections.rampart.k8s.plugins.module_utils._scan.options import SPEC, order_of


def build(module: AnsibleModule, redactor: Redactor) -> ImageScan:
    """Turn the options into the operation."""
    order = order_of(module.params, check_mode=module.check_mode)
    return ImageScan(order, Progress(module.params["_progress_file"]))


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
