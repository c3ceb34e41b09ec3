# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options of secret_rotate; the secrets themselves are described in _secrets/options.py."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube import options
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import SCOPES
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.options import SECRETS

REASONS = ("scheduled", "manual", "incident")

SPEC = (
    SECRETS
    | ArgumentSpec(
        {
            "scope": {"type": "str", "choices": list(SCOPES), "default": "due"},
            "reason": {"type": "str", "choices": list(REASONS), "default": "scheduled"},
            "rotation_id": {"type": "str"},
            "consumed_by": {"type": "list", "elements": "str", "default": []},
            "max_unavailable": {"type": "str", "default": "25%"},
            "rollout_timeout": {"type": "int", "default": 300},
            "unused_timeout": {"type": "int", "default": 60},
            "lock_timeout": {"type": "int", "default": 0},
            "inspect_pods": {"type": "bool", "default": True},
        }
    )
    | options.CONNECTION
    | PROGRESS
    | EVIDENCE
)
