# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share that judge releases of Helm."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_helm/options.py."""

    DOCUMENTATION = r"""
options:
  rules:
    description:
      - When objects count as ready whose own status does not say so, or not truly. The first rule that
        fits an object counts; without one it is judged by its kind, as kstatus does.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: The API version. When it is empty, any fits.
        type: str
        default: ""
      kind:
        description: The kind, as a shell pattern.
        type: str
        required: true
      name:
        description: The name of the object, as a shell pattern.
        type: str
        default: "*"
      condition:
        description: The type of the condition in the object's status that decides.
        type: str
        default: ""
      condition_status:
        description: The status that this condition must have.
        type: str
        default: "True"
      optional:
        description: Whether the object need not become ready at all. It must still exist as the manifest
          has it.
        type: bool
        default: false
  ignore:
    description:
      - What of live objects may be otherwise than in the manifest.
      - An entry without O(ignore[].path) and without O(ignore[].manager) covers nothing.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: The kind, as a shell pattern.
        type: str
        default: "*"
      name:
        description: The name of the object, as a shell pattern.
        type: str
        default: "*"
      path:
        description:
          - A JSON pointer such as C(/spec/replicas). It covers all that lies below it. Each part may be a
            shell pattern.
        type: str
        default: ""
      manager:
        description: The field manager, as a shell pattern, whose additions are accepted.
        type: str
        default: ""
  tests:
    description: Whether to run the tests of the chart (its hooks C(test)).
    type: bool
    default: true
  probes:
    description:
      - What a release is asked when it is ready. HTTP goes through the proxy of the API server,
        connections and gRPC through a forwarded port of a ready pod, and a command is run in such a pod.
    type: list
    elements: dict
    default: []
    suboptions:
      release:
        description: The name of the release that the probe is for. When it is empty, each of them is asked.
        type: str
        default: ""
      type:
        description:
          - V(http) wants a certain status, V(tcp) a connection, V(grpc) the answer SERVING of
            C(grpc.health.v1.Health/Check), V(command) the exit code 0.
        type: str
        choices: [http, tcp, grpc, command]
        required: true
      service:
        description: The Service that is asked, or whose pods are.
        type: str
      selector:
        description: The labels of the pods that are asked, in place of a Service.
        type: dict
      port:
        description: The port of the Service for V(http), of the pod for V(tcp) and V(grpc).
        type: int
      scheme:
        description: How V(http) is spoken.
        type: str
        choices: [http, https]
        default: http
      path:
        description: The path that V(http) asks for.
        type: str
        default: /
      status:
        description: The statuses of V(http) that are right.
        type: list
        elements: int
        default: [200]
      body:
        description: A regular expression that the body, or what the command prints, must match.
        type: str
        default: ""
      grpc_service:
        description: The service that V(grpc) asks about. When it is empty, the server as a whole.
        type: str
        default: ""
      container:
        description: The container that V(command) is run in. When it is empty, the first one.
        type: str
        default: ""
      command:
        description: The command and its arguments.
        type: list
        elements: str
        default: []
      tries:
        description: How often it is asked until the answer is right.
        type: int
        default: 5
      seconds:
        description: How long one answer may take.
        type: int
        default: 5
  demands:
    description: What must hold of every release.
    type: dict
    default: {}
    suboptions:
      image_gates:
        description:
          - The gates that must have passed every image, by its digest, such as V(image_scan) and
            V(image_verify). Their newest verdict in O(evidence_dir) counts.
        type: list
        elements: str
        default: []
      image_gate_max_age_hours:
        description: How old these verdicts may be. With V(0) they do not age.
        type: int
        default: 0
      image_sources:
        description:
          - OCI layouts (C(oci:/FOLDER)) of the images. They say which digest of a configuration belongs
            to which image; scanners judge the one, nodes name the other.
        type: list
        elements: str
        default: []
      pod_security:
        description:
          - The level of the Pod Security Standards that running pods must meet and that their namespace must
            enforce, which is tried with a pod that breaks it.
        type: str
        choices: [privileged, baseline, restricted]
        default: restricted
      read_only_root:
        description: Whether containers must not write to their root file system.
        type: bool
        default: true
      network_isolation:
        description: Whether every pod must be bound by a NetworkPolicy on both ways.
        type: bool
        default: true
      policies:
        description: Policies that must exist and be ready, such as those of Kyverno.
        type: list
        elements: dict
        default: []
        suboptions:
          api_version:
            description: The API version.
            type: str
            required: true
          kind:
            description: The kind.
            type: str
            required: true
          name:
            description: The name.
            type: str
            required: true
          namespace:
            description: The namespace, for a policy that lives in one.
            type: str
          condition:
            description: The condition that decides, in place of the rule of the kind.
            type: str
            default: ""
          condition_status:
            description: The status that it must have.
            type: str
            default: "True"
  timeout:
    description:
      - Seconds for each release to become ready and for its tests. A failure whose cause is known ends
        the wait at once.
    type: int
    default: 300
  on_failure:
    description:
      - What to do with a release that fails. With V(rollback) it goes back to the last good revision; that
        what this revision needs is there is looked up before, and that nothing of the failed one is left is
        looked up after. It goes back once, never again and again.
    type: str
    choices: [report, rollback]
    default: report
  remove_residue:
    description: Whether what is left of failed revisions after a rollback is removed. It is told in any case.
    type: bool
    default: false
  helm:
    description: The program of Helm 3 (3.20.2 or newer) or Helm 4 (4.1.4 or newer).
    type: path
    default: helm
  history_max:
    description: How many revisions Helm keeps of a release.
    type: int
    default: 10
requirements:
  - h2 >= 4.1 (only for probes of gRPC)
  - websocket-client >= 1.6 (only for probes of connections, gRPC and commands)
"""
