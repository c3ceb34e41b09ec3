#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_pki
short_description: Keeps all keys, certificates and kubeconfigs of a cluster as they should be, in one task
version_added: 0.1.0
description:
  - Makes the authorities, certificates, signing keys and kubeconfigs of a cluster below one folder, and
    renews them before they end.
  - Decides from the files themselves. A certificate is made anew, with a new key, when it is missing or
    cannot be read, does not fit its key, is not signed by the present authority, has another subject, other
    names or other usages than wanted, or ends soon.
  - An authority is never replaced in one go. When it has expired or its key is lost, the task fails and says
    what to do. An authority of which a killed run wrote only the key is completed.
  - With O(rotate), an authority or a signing key is replaced by another one with an overlap, step by step.
    Whatever stage that is at, a run without O(rotate) keeps it.
  - Keys have mode V(0600) and certificates V(0644). Folders that do not exist are created with mode V(0700).
  - Keys for TLS are ECDSA keys on the curve P-256, which all of Kubernetes understands and which are made in
    a fraction of a millisecond.
author:
  - rampart.k8s contributors (@rampart-k8s)
requirements:
  - cryptography >= 42.0.0
options:
  directory:
    description: The absolute path of the folder of all keys and certificates.
    type: path
    required: true
  authorities:
    description: The self-signed authorities. Each signs end certificates only.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name, such as V(ca) or V(etcd/ca). The files are C(<name>.crt) and C(<name>.key) below
            O(directory). C(<name>.crt) holds all that has to be trusted, C(<name>-signing.crt) the one
            certificate that signs.
        type: str
        required: true
      common_name:
        description: The common name.
        type: str
        required: true
      days:
        description: How long a new authority lives. An existing one keeps its end.
        type: int
        default: 3650
  certificates:
    description: The certificates of the components.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name, such as V(apiserver) or V(etcd/server), used like O(authorities[].name).
        type: str
        required: true
      authority:
        description: The name of the authority that signs it.
        type: str
        required: true
      common_name:
        description: The common name. Kubernetes takes it for the user of a client certificate.
        type: str
        required: true
      organizations:
        description: The organizations. Kubernetes takes them for the groups of a client certificate.
        type: list
        elements: str
        default: []
      usages:
        description: What the certificate is for.
        type: list
        elements: str
        choices: [server, client]
        required: true
      dns:
        description: The DNS names under which clients reach a server.
        type: list
        elements: str
        default: []
      addresses:
        description: The IP addresses under which clients reach a server.
        type: list
        elements: str
        default: []
      days:
        description: How long it lives, though never longer than its authority.
        type: int
        default: 365
      directory:
        description:
          - A folder of its own for this certificate and its key, for a program that may not look into
            O(directory). The certificate of its authority is put beside them.
          - A pair of this name in O(directory) is removed.
        type: path
      owner:
        description: The user whose the key is, and who alone may read it.
        type: str
        default: ''
  key_pairs:
    description: Pairs of keys without a certificate, such as the one that signs service-account tokens.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name. The files are C(<name>.key) and C(<name>.pub) below O(directory).
        type: str
        required: true
      algorithm:
        description:
          - The kind of a new key, RSA with 2048 bits or ECDSA on P-256. An existing key is kept.
          - Others verify service-account tokens by OpenID Connect, which obliges them to support RSA only.
        type: str
        choices: [rsa, ecdsa]
        default: rsa
  kubeconfigs:
    description: Kubeconfigs that hold the authority, the certificate and its key.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The absolute path of the file.
        type: path
        required: true
      cluster:
        description: The name of the cluster and of the context.
        type: str
        required: true
      server:
        description: The address of the API server, starting with C(https://).
        type: str
        required: true
      authority:
        description: The name of the authority that signed the certificate of the API server.
        type: str
        required: true
      certificate:
        description: The name of the client certificate.
        type: str
        required: true
      user:
        description: The name of the user inside the file.
        type: str
        required: true
      mode:
        description: The mode in octal, in quotes and with a leading zero.
        type: str
        default: '0600'
  renew_before_days:
    description: How many days before its end a certificate is made anew.
    type: int
    default: 30
  rotate:
    description:
      - Steps by which an authority or a pair of keys is replaced. Each is taken only when it is there to be
        taken, so that all three can be gone through again and again. After each of them whoever uses the
        files has to be started anew.
    type: list
    elements: dict
    default: []
    suboptions:
      names:
        description: The names of some of O(authorities) or O(key_pairs).
        type: list
        elements: str
        required: true
      step:
        description:
          - V(trust) makes the next one, if the present one is due, and has it trusted besides.
          - V(switch) lets the next one sign. Certificates are then signed by it.
          - V(drop) forgets the old one.
        type: str
        choices: [trust, switch, drop]
        required: true
      max_age_days:
        description: With V(trust), one that is older is due. V(0) is no limit.
        type: int
        default: 0
      made_before:
        description: With V(trust), one that was made before this moment is due, as V(2026-11-22T10:15:30Z).
        type: str
      after:
        description:
          - With V(drop), nothing is dropped before this moment, in seconds since 1970. It is for whatever the
            old one has signed last.
        type: int
        default: 0
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows subjects, names, usages and ends, never keys.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: posix
seealso:
  - name: PKI certificates and requirements
    description: Which certificates a Kubernetes cluster needs.
    link: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

EXAMPLES = r"""
- name: Let everybody trust the next authority, when the present one is older than five years
  rampart.k8s.cluster_pki:
    directory: /var/lib/rampart/demo/pki
    authorities:
      - name: ca
        common_name: demo-ca
    rotate:
      - names: [ca]
        step: trust
        max_age_days: 1825

- name: Make the keys and certificates of a cluster
  rampart.k8s.cluster_pki:
    directory: /var/lib/rampart/demo/pki
    authorities:
      - name: ca
        common_name: demo-ca
    certificates:
      - name: apiserver
        authority: ca
        common_name: kube-apiserver
        usages: [server]
        dns: [kubernetes, kubernetes.default.svc]
        addresses: [10.96.0.1, 192.0.2.10]
      - name: admin
        authority: ca
        common_name: kubernetes-admin
        organizations: [system:masters]
        usages: [client]
    key_pairs:
      - name: sa
    kubeconfigs:
      - path: /var/lib/rampart/demo/admin.kubeconfig
        cluster: demo
        server: https://192.0.2.10:6443
        authority: ca
        certificate: admin
        user: admin
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: 'apiserver: its DNS names or addresses differ'
authorities:
  description: One entry per authority, with the keys of RV(certificates).
  returned: success
  type: list
  elements: dict
  sample: []
certificates:
  description: One entry per certificate.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      returned: success
      type: str
      sample: apiserver
    action:
      description: What happened to it, one of V(created), V(replaced), V(mode) and V(unchanged).
      returned: success
      type: str
      sample: replaced
    reason:
      description: Why.
      returned: success
      type: str
      sample: it ends on 2026-12-01, within the time for renewal
    expires:
      description: When it ends.
      returned: success
      type: str
      sample: '2027-11-22T06:00:00Z'
    names:
      description: Its DNS names and addresses.
      returned: success
      type: list
      elements: str
      sample: [kubernetes, 10.96.0.1]
key_pairs:
  description: One entry per pair of keys, with a name, an action and a reason.
  returned: success
  type: list
  elements: dict
  sample: []
stages:
  description:
    - By the name of each authority and pair of keys, where a rotation of it stands. V(settled) is none,
      V(trusted) means that the next one is trusted as well, V(switched) that it signs and the old one is
      still trusted.
  returned: success
  type: dict
  sample: {"ca": "settled", "service-account": "switched"}
kubeconfigs:
  description: One entry per kubeconfig, with its path as the name, an action and a reason.
  returned: success
  type: list
  elements: dict
  sample: []
"""

import datetime
import importlib.util
import sys

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._pki.operation import ClusterPki
from ansible_collections.rampart.k8s.plugins.module_utils._pki.options import SPEC, rotations, wanted


def now() -> datetime.datetime:
    """Return the time in the whole seconds that certificates count in."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def build(module: AnsibleModule, redactor: Redactor) -> ClusterPki:
    """Turn the options into what is wanted below the folder."""
    if importlib.util.find_spec("cryptography") is None:
        raise RampartError(
            f"The Python package cryptography is missing for {sys.executable}.",
            next_step="install it: pip install -r requirements.txt",
        )
    steps = [step for item in module.params["rotate"] for step in rotations(item)]
    return ClusterPki(wanted(module.params), now(), steps)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
