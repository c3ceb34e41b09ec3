# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that say whose word counts, and about what; doc_fragments/signing.py words them for people."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

CONSTRAINT = {
    "path": {"type": "str", "required": True},
    "equals": {"type": "raw"},
    "one_of": {"type": "list", "elements": "raw"},
    "at_least": {"type": "float"},
    "at_most": {"type": "float"},
    "matches": {"type": "str"},
    "max_age_hours": {"type": "int"},
}

ATTESTATION = {
    "type": {"type": "str", "required": True},
    "constraints": {"type": "list", "elements": "dict", "default": [], "options": CONSTRAINT},
}

ACCEPTED = ArgumentSpec(
    {
        "keyring": {"type": "path", "no_log": False},
        "public_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "attestations": {"type": "list", "elements": "dict", "default": [], "options": ATTESTATION},
    }
)

# What a gate must have said before; the evidence is read, and never taken for granted.
VERDICTS = ArgumentSpec(
    {
        "require_verdicts": {"type": "list", "elements": "str", "default": []},
        "verdict_max_age_hours": {"type": "int", "default": 24},
        "evidence_dir": {"type": "path"},
    }
)
