#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers releases of Helm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_deploy
short_description: Deliver releases of Helm, verify them, and keep them or go back
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Renders each chart for the very cluster, compares the result with what Helm keeps of the release and
    with what is live, and upgrades only where something differs. A second run with nothing changed makes
    no revision.
  - Before anything is applied, the API server judges every pod that the chart would make (Pod Security
    and all admission policies), values are checked by the schema of the chart, and the evidence is asked
    whether the images and the package were judged and verified before.
  - After the upgrade the release is verified as by M(rampart.k8s.helm_verify). What passes is kept, and
    marked as verified; what fails goes back to the last good revision, and that is verified as well.
  - A release that some Helm left pending is repaired from its history, once it is sure that nobody is at it.
  - There is one writer for each release. It holds a Lease, and a Helm that is run ends with the task
    that runs it.
  - Values of O(releases[].secret_values) are handed to Helm on its standard input. They stand in no
    argument, no environment and no file, and in no result and no diff.
  - Every pod template that reads ConfigMaps of its chart gets a hash of them, so that their change rolls
    the pods.
extends_documentation_fragment:
  - rampart.k8s.helm
  - rampart.k8s.signing
  - rampart.k8s.kubernetes
  - rampart.k8s.evidence
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    details:
      - Renders and compares as a real run does, and applies nothing. What speaks against a delivery is a
        warning.
      - It completes where there is no cluster yet. Of a release that is to be repaired first no diff is
        shown.
  diff_mode:
    support: full
    details:
      - Shows the changed fields of each object. Values of Secrets are shown as keyed fingerprints.
  idempotent:
    support: full
    details:
      - A chart that renders otherwise each time (random values, the time, the number of the revision) is
        upgraded each time.
  platform:
    platforms: linux
    support: full
options:
  releases:
    description: The releases, in the order in which they are delivered. The first that fails ends the task.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the release.
        type: str
        required: true
      namespace:
        description: The namespace of the release, which must exist.
        type: str
        required: true
      chart:
        description:
          - The folder or the package of the chart on this machine, with its dependencies in it, or
            C(oci:/FOLDER) for a layout of M(rampart.k8s.helm_package), optionally with C(:TAG) and
            C(@sha256:DIGEST).
        type: str
        required: true
      values:
        description: Values for the chart.
        type: dict
        default: {}
      secret_values:
        description:
          - Values that nobody may see, laid over O(releases[].values). Helm keeps them in the release;
            prefer Secrets that the chart only names.
        type: dict
        default: {}
      values_files:
        description: Files with values, of which later ones count more. Values given here count more than
          files.
        type: list
        elements: path
        default: []
      promoted_from:
        description:
          - The namespace of the environment in which exactly this package, with each image of this
            release, must have been verified before.
        type: str
        default: ""
      promoted_max_age_hours:
        description: How long ago that may be. With V(0) it does not age.
        type: int
        default: 0
      canary:
        description:
          - Give the pods of the new revision a part of the traffic first, before anything of the release
            is changed. They stand beside those that serve, under the same Services, which spread
            connections over all of them.
          - They are watched, and each of O(probes) is asked of them. At the first sign of trouble they
            are removed, and the release stays as it is.
          - A release that is not installed yet has no canary.
        type: dict
        suboptions:
          workload:
            description: The Deployment of the chart that it is made of.
            type: str
            required: true
          steps:
            description: The parts of a hundred that the new pods get, one after the other.
            type: list
            elements: int
            default: [10, 50]
          seconds:
            description: How long each step is watched.
            type: int
            default: 30
  package_gates:
    description:
      - The gates that must have passed the package, by the digest of its layout, such as
        V(helm_package). Their newest verdict in O(evidence_dir) counts.
    type: list
    elements: str
    default: []
  keyring:
    description:
      - The ring of keys, C(keyring.json) of M(rampart.k8s.signing_keys), one of which must have signed
        the layout of the package. Without it and without O(public_keys) no signature is asked for.
    type: path
  public_keys:
    description: Public keys as PEM that count too.
    type: list
    elements: str
    default: []
  force_conflicts:
    description:
      - Whether fields that another field manager owns are taken over. Helm 3 always does so; Helm 4
        refuses to, and names the field and its owner.
    type: bool
    default: false
  allow_uninstall:
    description:
      - Whether a release without any good revision may be uninstalled, when its first installation
        failed or was ended in the middle.
    type: bool
    default: false
  pending_after:
    description:
      - After how many seconds a pending release counts as left alone, when it was not begun by this
        collection. One that was is known by its Lease, and repaired at once.
    type: int
    default: 600
seealso:
  - module: rampart.k8s.helm_verify
"""

EXAMPLES = r"""
- name: Deliver the application to staging, once it was verified in dev
  rampart.k8s.helm_deploy:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    releases:
      - name: ai-backend
        namespace: staging
        chart: oci:/var/lib/rampart/charts/ai-backend
        values_files: [/srv/ai-backend/values-staging.yaml]
        values:
          backend:
            image:
              digest: sha256:2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f90
        promoted_from: dev
    probes:
      - type: http
        service: backend
        port: 8000
        path: /ready
    demands:
      image_gates: [image_scan, image_verify]
    package_gates: [helm_package]
    keyring: /var/lib/rampart/signing/keyring.json
    on_failure: rollback
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: Why there is or is not something to deliver.
  returned: always
  type: str
  sample: "staging/ai-backend: its objects differ from revision 3: 1 changed"
releases:
  description: What was done with each release. Of one that was acted upon also all that
    M(rampart.k8s.helm_verify) tells.
  returned: when the releases could be looked at
  type: list
  elements: dict
  contains:
    name:
      description: The name of the release.
      type: str
      returned: success
      sample: ai-backend
    namespace:
      description: The namespace of the release.
      type: str
      returned: success
      sample: staging
    action:
      description: One of V(keep), V(upgrade), V(verify), V(repair) and V(clean).
      type: str
      returned: success
      sample: upgrade
    reason:
      description: Why.
      type: str
      returned: success
      sample: "its objects differ from revision 3: 1 changed"
    done:
      description: What was done.
      type: list
      elements: str
      returned: when something was done
      sample: [upgraded]
    revision:
      description: The revision that was made.
      type: int
      returned: when something was done
      sample: 4
returned:
  description: Where the failed release went back to, and whether that was verified.
  returned: when a release failed
  type: dict
  sample: {"to_revision": 3, "verified": true, "removed": [], "warnings": []}
cause:
  description: The object that failed first, and where it shows, pod, container, reason and the end of
    the log.
  returned: when a release failed
  type: dict
  sample: {"object": "Deployment staging/backend", "reason": "CrashLoopBackOff", "pod": "backend-5c"}
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._helm.deploy_operation import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
