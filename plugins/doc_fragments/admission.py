# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules about admission policies have in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_admission/options.py."""

    DOCUMENTATION = r"""
options:
  definition:
    description:
      - The policies, the environments and what else decides about admission, as the role
        P(rampart.k8s.kyverno#role) puts them together in C(kyverno_definition).
      - Keys are C(engine), C(policies), C(mutations), C(generations), C(environments), C(images),
        C(exceptions), C(keyring), C(attestations), C(pull_secrets), C(namespace) and C(rego).
    type: dict
    required: true
"""
