# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which every module finds its cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_kube/options.py."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig file. Several files can be given as for C(kubectl), separated by a colon.
      - When it is not set, the environment variable E(KUBECONFIG) is used, and then C(~/.kube/config).
      - A file that its group or others can write is refused, and so is a server with C(http://) that is
        not on this machine.
    type: path
  context:
    description:
      - Name of the context to use. When it is not set, the current context of the kubeconfig is used.
    type: str
  expect_cluster_uid:
    description:
      - UID of the namespace C(kube-system) of the cluster that is meant.
      - When the context leads to a cluster with another UID, the module stops before it writes anything.
    type: str
  allow_exec_plugins:
    description:
      - Whether the kubeconfig may run a program to get a credential.
    type: bool
    default: true
  request_timeout:
    description:
      - Seconds within which a single request must be answered.
    type: int
    default: 30
  api_timeout:
    description:
      - Seconds that all requests may take together, repetitions after errors 429 and 5xx included.
      - A wait for readiness has a timeout of its own.
    type: int
    default: 300
notes:
  - The module talks to the API server over kept-alive connections, several at a time, and needs neither
    C(kubectl) nor the Python package C(kubernetes).
  - No part of a kubeconfig is written to a file, and its keys and tokens are masked in all output.
requirements:
  - python >= 3.11
  - urllib3 >= 2.0
  - PyYAML >= 5.1
  - cryptography (only to say when a certificate expired)
"""
