# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that the gates of the verification share; doc_fragments/gate.py words them for people."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

PROVABLE = ArgumentSpec({"allow_not_proven": {"type": "bool", "default": False}})

PODS = ArgumentSpec(
    {
        "image": {"type": "str", "required": True},
        "timeout": {"type": "int", "default": 180},
        "environments": {"type": "list", "elements": "dict", "required": True},
    }
)
