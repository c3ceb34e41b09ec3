#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotates secrets as transactions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotate
short_description: Make and rotate secrets, each rotation a transaction that is whole or undone
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes the Secrets that are missing, and rotates those that are due by what their annotations say.
  - A rotation makes a new content, has the backend accept it beside the old one, logs in with it, writes the
    Secret, restarts every consumer once and not too many at a time, looks into each running container whether
    it holds the new content, and revokes the old one when nobody uses it any more.
  - Any failure on the way brings Secret, backend and pod templates back to their old state and waits until
    that is verified. When this fails too, both credentials stay valid, and the message holds the commands to
    finish by hand.
  - Each step is written into a journal in the cluster before it is done, and decided from what is observed,
    so that a run that was killed at any moment is finished by the next one. One run at a time works in a
    namespace.
  - Secrets that follow from each other, or that one workload uses, are rotated together; the workload is then
    restarted once.
extends_documentation_fragment:
  - rampart.k8s.kubernetes
  - rampart.k8s.secrets
  - rampart.k8s.evidence
  - rampart.k8s.attributes
  - rampart.k8s.attributes.action_group
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    details:
      - Only reads are sent, and logins with the present credentials. The result shows who would restart.
  diff_mode:
    support: full
    details:
      - Shows which Secrets would be made or rotated, never a value.
  idempotent:
    support: full
    details:
      - What is not due causes no write. With O(scope=all) everything is rotated each time, unless
        O(rotation_id) says that it was done.
  platform:
    platforms: posix
    support: full
options:
  scope:
    description:
      - With V(due), what is missing is made and what is due is rotated.
      - With V(missing), what is missing is made.
      - With V(all), everything is rotated.
      - A rotation that an earlier run has begun is finished in any case.
    type: str
    choices:
      - due
      - missing
      - all
    default: due
  reason:
    description:
      - Why it is rotated, for the annotations.
      - With V(incident), the old credential is in foreign hands. It need not work any more, no grace is
        given, and it is revoked as soon as every consumer that can be restarted uses the new one.
    type: str
    choices:
      - scheduled
      - manual
      - incident
    default: scheduled
  rotation_id:
    description:
      - A name of this rotation. A Secret that bears it was rotated by it and is left alone, so that a run
        with O(scope=all) can be repeated. It is made by time and chance when it is not set.
    type: str
  consumed_by:
    description:
      - Only secrets that one of these workloads uses are rotated, each as C(Kind/name). What is missing is
        made in any case.
    type: list
    elements: str
    default: []
  max_unavailable:
    description: How many workloads of a namespace are restarted at the same time, as a number or percentage.
    type: str
    default: 25%
  rollout_timeout:
    description: Seconds until a workload has to be ready, from its own restart on.
    type: int
    default: 300
  unused_timeout:
    description:
      - Seconds to wait until nobody uses the old credential. After them it stays valid, and a later run
        revokes it.
    type: int
    default: 60
  lock_timeout:
    description: Seconds to wait for another run that works in the same namespace.
    type: int
    default: 0
  inspect_pods:
    description:
      - Whether to look into each running container by a shell in it. Without it, a restart counts as proof.
    type: bool
    default: true
requirements:
  - cryptography >= 42
  - psycopg >= 3.2 (only for PostgreSQL)
  - websocket-client >= 1.6
notes:
  - A workload that loads a new secret without a restart says so by the annotation C(rampart.k8s/reload), and
    how it is asked whether all is well by C(rampart.k8s/probe); see the guide of rotation.
seealso:
  - module: rampart.k8s.secrets_info
"""

EXAMPLES = r"""
- name: Rotate what is due
  rampart.k8s.secret_rotate:
    secrets:
      - namespace: prod
        name: backend-database
        class: database
        owner: team-backend
        keys:
          - name: username
            generator: backend
          - name: password
        backend:
          postgresql:
            service:
              name: postgresql
              port: 5432
            admin_secret: postgresql-rotator
            ca_secret: postgresql-tls
            roles: [app_a, app_b]
      - namespace: prod
        name: jwt-signing
        class: signing
        keys:
          - name: jwks.json
            generator: signing_keys
            algorithm: RS256
      - namespace: prod
        name: backend-jwks
        class: signing
        keys:
          - name: jwks.json
            generator: jwks
            source: jwt-signing
            source_key: jwks.json

- name: Replace everything that one workload uses, at once
  rampart.k8s.secret_rotate:
    secrets: "{{ secrets_definition }}"
    scope: all
    reason: incident
    consumed_by: [Deployment/backend]
    max_unavailable: 100%
"""

RETURN = r"""
reason:
  description: Why there is or is not something to change.
  returned: always
  type: str
  sample: "prod/backend-database: it is due since 2026-11-27T08:00:00Z"
secrets:
  description: What was (in check mode, would be) done with each secret.
  returned: success
  type: list
  elements: dict
  contains:
    namespace:
      description: Its namespace.
      type: str
      returned: success
      sample: prod
    name:
      description: The name that it is declared by.
      type: str
      returned: success
      sample: backend-database
    object:
      description: The Secret that holds its content.
      type: str
      returned: success
      sample: backend-database
    class:
      description: Its class.
      type: str
      returned: success
      sample: database
    strategy:
      description: Its strategy.
      type: str
      returned: success
      sample: overlap
    owner:
      description: Who answers for it.
      type: str
      returned: success
      sample: team-backend
    action:
      description: One of V(created), V(rotated) and V(unchanged).
      type: str
      returned: success
      sample: rotated
    reason:
      description: Why.
      type: str
      returned: success
      sample: it is due since 2026-11-27T08:00:00Z
    due_at:
      description: When it was due when the run began, empty for what follows from others.
      type: str
      returned: success
      sample: "2026-11-27T08:00:00Z"
rotations:
  description: The rotations that this run made, resumed or found open.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Its id.
      type: str
      returned: success
      sample: 20261127080000-4f1c2a
    namespace:
      description: Its namespace.
      type: str
      returned: success
      sample: prod
    reason:
      description: Why it was begun.
      type: str
      returned: success
      sample: scheduled
    secrets:
      description: The secrets that went together.
      type: list
      elements: str
      returned: success
      sample: [prod/backend-database]
    state:
      description:
        - V(finished), the new content is in use everywhere and the old one is retired.
        - V(waiting), the new content is in use everywhere; the old one is used still, or in its grace.
        - V(returned), it failed and everything is as before.
        - V(manual), it failed, and so did the return.
        - V(unfinished), it failed after the new content was in use; the next run goes on.
      type: str
      returned: success
      sample: finished
    phase:
      description: How far it came.
      type: str
      returned: success
      sample: finish
    until:
      description: Until when the old content stays valid in any case.
      type: str
      returned: success
      sample: "2026-11-27T09:00:00Z"
    waiting_for:
      description: Who still uses the old content.
      type: list
      elements: str
      returned: success
      sample: ["Pod import-7tk2p: a Job cannot be restarted by a controller"]
    overdue:
      description: Whether it is used for longer than its class allows.
      type: bool
      returned: success
      sample: false
consumers:
  description: Who uses each secret, how, and what brings it to take a new one.
  returned: always
  type: dict
  sample:
    prod/backend-database:
      - kind: Deployment
        name: backend
        ways: [volume]
        action: restart
        reason: its pods are replaced by a rollout
restarted:
  description: The workloads that were restarted.
  returned: always
  type: list
  elements: str
  sample: [prod/Deployment/backend]
rollback:
  description: On failure, V(verified) when everything is proved to be as before, V(manual) when it is not.
  returned: on failure of a rotation
  type: str
  sample: verified
commands:
  description: The commands to finish a return by hand.
  returned: when a return failed
  type: list
  elements: str
  sample: ["kubectl -n prod rollout status deployment/backend"]
evidence:
  description: The evidence records that were written.
  returned: success
  type: list
  elements: str
  sample: ["security_7y/2026/41"]
requests:
  description: How many requests were sent.
  returned: success
  type: int
  sample: 61
retries:
  description: How many of them were repetitions.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.operation import build
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.options import SPEC


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
