#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifies releases of Helm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_verify
short_description: Lets only releases of Helm pass that are what they should be, and goes back from others
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Verifies each release by what is live. Its newest revision is deployed; all its objects are ready by
    the rules of their kinds; none of them is missing, changed, added to by somebody else, or left over
    from a failed revision; the tests of the chart pass; it answers its probes; its pods run the images
    that were judged, in a hardened security context; and the policies of its namespace are in force.
  - Objects are watched, not asked again and again. A failure is told as soon as its cause is known, with the
    object, the container, the last event and the last lines of the log, without the Secrets that the pod
    was given.
  - It is a gate. It fails unless everything holds, and leaves its verdict as evidence for the package
    and for each image, so that M(rampart.k8s.helm_deploy) can ask for it before it delivers to the next
    environment.
  - It needs no right beyond the namespaces of the releases. What is missing is listed before anything is
    judged.
extends_documentation_fragment:
  - rampart.k8s.helm
  - rampart.k8s.kubernetes
  - rampart.k8s.evidence
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    details:
      - Looks at what is there without waiting for it, runs no tests and no probes, goes back from
        nothing, and reports without failing. A release that is not installed yet is named.
  diff_mode:
    support: none
    details:
      - What is judged is not changed.
  idempotent:
    support: full
    details:
      - Nothing is changed unless a release fails and O(on_failure=rollback). The objects of tests and of
        trials are made and removed.
  platform:
    platforms: linux
    support: full
options:
  releases:
    description: The releases.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the release.
        type: str
        required: true
      namespace:
        description: The namespace of the release.
        type: str
        required: true
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
seealso:
  - module: rampart.k8s.helm_deploy
  - module: rampart.k8s.resource_ready
"""

EXAMPLES = r"""
- name: Verify the application, and go back to the last good revision when it fails
  rampart.k8s.helm_verify:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    releases:
      - name: ai-backend
        namespace: staging
    rules:
      # The store of this ExternalSecret is away at times; the application has what it needs.
      - kind: ExternalSecret
        optional: true
      - kind: Certificate
        condition: Ready
    ignore:
      - kind: Deployment
        path: /spec/replicas
    probes:
      - type: http
        service: backend
        port: 8000
        path: /ready
      - type: tcp
        service: postgresql
        port: 5432
    demands:
      image_gates: [image_scan, image_verify]
      image_sources:
        - oci:/var/lib/rampart/images/backend
    on_failure: rollback
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
  returned: always
  type: list
  elements: str
  sample: ["staging/ai-backend: Deployment staging/backend is not as the manifest says in spec.replicas"]
warnings_found:
  description: What will not hold soon.
  returned: always
  type: list
  elements: str
  sample: []
evidence:
  description: The records of evidence.
  returned: always
  type: list
  elements: str
  sample: []
releases:
  description: What was found out about each release.
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
    revision:
      description: The newest revision.
      type: int
      returned: success
      sample: 4
    status:
      description: What Helm says of it.
      type: str
      returned: success
      sample: deployed
    chart:
      description: Name and version of the chart.
      type: str
      returned: success
      sample: ai-backend-1.4.2
    package:
      description: The beginning of the digest of the package that was delivered.
      type: str
      returned: success
      sample: 2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f9
    passed:
      description: Whether everything holds.
      type: bool
      returned: success
      sample: true
    violations:
      description: What does not hold.
      type: list
      elements: str
      returned: success
      sample: []
    cause:
      description: The object that failed first, and where it shows, pod, container, reason and the end
        of the log.
      type: dict
      returned: success
      sample: {}
    objects:
      description: The state of each object.
      type: list
      elements: dict
      returned: success
      sample:
        - kind: Service
          namespace: staging
          name: backend
          phase: ready
          reason: it needs nothing
    drift:
      description: What is live and not what the manifest says; V(changed), V(missing), V(foreign) or
        V(residue).
      type: list
      elements: dict
      returned: success
      sample: []
    tests:
      description: What came out of the tests of the chart.
      type: list
      elements: dict
      returned: success
      sample: [{"name": "backend-test", "passed": true, "reason": "", "log": []}]
    probes:
      description: What came out of the probes.
      type: list
      elements: dict
      returned: success
      sample: [{"name": "http backend:8000/ready", "passed": true, "tries": 1, "reason": ""}]
    images:
      description: Which images run, by their digests.
      type: list
      elements: dict
      returned: success
      sample: []
returned:
  description: Where releases went back to, whether that was verified, and what was removed.
  returned: when the releases could be looked at
  type: list
  elements: dict
  sample: []
missing_permissions:
  description: The permissions that the user lacks.
  returned: when permissions are missing
  type: list
  elements: str
  sample: ["list networkpolicies.networking.k8s.io in staging"]
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._helm.verify_operation import SPEC, build


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
