#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages charts of Helm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_package
short_description: Package charts of Helm that pass their judges
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Packages each chart out of a copy of its folder, with the dependencies that its lock names, and
    judges it as it would be delivered to each of its releases. It is linted, its values are checked by
    its schema, it is rendered without a network, and its objects are judged by C(kubeconform) and by the
    API server itself.
  - The schemas are made of what the cluster publishes of itself (OpenAPI), so they are those of its
    version and of its custom resources.
  - The API server tries each object and each pod as a dry run, so that Pod Security and all admission
    policies (Kyverno, Gatekeeper, its own) judge before anything is applied.
  - A package is an OCI artifact as Helm keeps charts in registries, in a layout, and the same as a file.
    The same files give the same digest, with Helm 3 and with Helm 4. M(rampart.k8s.image_sign) signs it
    with the keys that sign images, and M(rampart.k8s.image_verify) and M(rampart.k8s.helm_deploy) verify it.
  - It is a gate. Nothing is packaged unless everything passes.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.evidence
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
attributes:
  check_mode:
    support: full
    details:
      - Packages and judges as a real run does, and writes nothing. Where there is no cluster yet, what
        only it could judge is left out with a warning.
  diff_mode:
    support: full
    details:
      - Shows the digests of packages.
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
options:
  charts:
    description: The charts.
    type: list
    elements: dict
    required: true
    suboptions:
      chart:
        description: The folder of the chart on this machine.
        type: path
        required: true
      version:
        description: The version of the package, in place of the chart's own.
        type: str
        default: ""
      app_version:
        description: The version of the application, in place of the chart's own.
        type: str
        default: ""
      releases:
        description: What the chart is meant for. It is judged as each of them.
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
          values:
            description: Values for the chart.
            type: dict
            default: {}
          secret_values:
            description: Values that nobody may see.
            type: dict
            default: {}
          values_files:
            description: Files with values, of which later ones count more. Values given here count more
              than files.
            type: list
            elements: path
            default: []
  destination:
    description:
      - The folder of the packages. Each chart has a layout of its name there, and a file C(NAME-VERSION.tgz).
    type: path
    required: true
  helm:
    description: The program of Helm 3 (3.20.2 or newer) or Helm 4 (4.1.4 or newer).
    type: path
    default: helm
  kubeconform:
    description: The program kubeconform.
    type: path
    default: kubeconform
  schema_cache:
    description: The folder in which the schemas of clusters are kept. What is kept there is never out of
      date.
    type: path
    required: true
  report_only:
    description: Whether to return the verdict without failing on it.
    type: bool
    default: false
seealso:
  - module: rampart.k8s.image_sign
  - module: rampart.k8s.helm_deploy
"""

EXAMPLES = r"""
- name: Package the application for all environments
  rampart.k8s.helm_package:
    kubeconfig: /var/lib/rampart/local/admin.kubeconfig
    charts:
      - chart: /srv/ai-backend/charts/ai-backend
        version: 1.4.2
        releases:
          - name: ai-backend
            namespace: dev
            values_files: [/srv/ai-backend/charts/ai-backend/values-dev.yaml]
          - name: ai-backend
            namespace: prod
            values_files: [/srv/ai-backend/charts/ai-backend/values-prod.yaml]
    destination: /var/lib/rampart/charts
    schema_cache: /var/cache/rampart/schemas
    evidence_dir: /var/lib/rampart/evidence
"""

RETURN = r"""
reason:
  description: The verdict, and what is to be written.
  returned: always
  type: str
  sample: "1 of 1 passed; all packages are there"
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
  sample: ["ai-backend 1.4.2: dev/ai-backend: Deployment backend: /spec/replicas: got string, want integer"]
warnings_found:
  description: What the API server warns of, such as versions of its API that will end.
  returned: always
  type: list
  elements: str
  sample: []
evidence:
  description: The records of evidence, one per chart.
  returned: always
  type: list
  elements: str
  sample: []
charts:
  description: The packages.
  returned: when the charts could be packaged
  type: list
  elements: dict
  contains:
    name:
      description: The name of the chart.
      type: str
      returned: success
      sample: ai-backend
    version:
      description: The version of the package.
      type: str
      returned: success
      sample: 1.4.2
    digest:
      description: The digest of the artifact, by which it is signed and by which gates know it.
      type: str
      returned: success
      sample: sha256:2f5e1ee4b1c0a9d7d1a4d7a3a1f5c8c9a1b2c3d4e5f60718293a4b5c6d7e8f90
    layout:
      description: The layout, as M(rampart.k8s.image_sign) and M(rampart.k8s.helm_deploy) take it.
      type: str
      returned: success
      sample: oci:/var/lib/rampart/charts/ai-backend
    archive:
      description: The file.
      type: str
      returned: success
      sample: /var/lib/rampart/charts/ai-backend-1.4.2.tgz
    objects:
      description: How many objects were judged.
      type: int
      returned: success
      sample: 48
"""

from ansible_collections.rampart.k8s.plugins.module_utils._charts.package_operation import (
    SPEC,
    build_operation,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run


def main() -> None:
    """Run the module."""
    run(SPEC, build_operation)


if __name__ == "__main__":
    main()
