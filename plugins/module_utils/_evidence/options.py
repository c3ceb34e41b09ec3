# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options by which gates leave evidence; doc_fragments/evidence.py words them for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import PLAY_KEYS

EVIDENCE = ArgumentSpec(
    {
        "evidence_dir": {"type": "path"},
        "evidence_play": {
            "type": "dict",
            "default": {},
            "options": {key: {"type": "str"} for key in sorted(PLAY_KEYS)},
        },
    }
)

# Of the gates that can take over an earlier proof.
MAX_AGE = ArgumentSpec({"max_age": {"type": "int", "default": 0}})
REUSE = MAX_AGE | ArgumentSpec({"cluster_root": {"type": "path"}})


def play_of(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return what the options say of the run; what they leave open stands in no record."""
    return {key: value for key, value in (parameters.get("evidence_play") or {}).items() if value}
