# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options by which a module reads etcd itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_encryption/options.py."""

    DOCUMENTATION = r"""
options:
  endpoint:
    description:
      - The client address of an etcd member, with its JSON gateway on, which is etcd's default.
      - Only an address of this machine may be V(http).
    type: str
  ca_cert:
    description: The certificate authority of etcd.
    type: path
  client_cert:
    description: The client certificate to log in to etcd with.
    type: path
  client_key:
    description: The private key of O(client_cert).
    type: path
  prefix:
    description: What the API server puts in front of its keys (C(--etcd-prefix)).
    type: str
    default: /registry
"""
