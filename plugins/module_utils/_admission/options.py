# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The definition of the policies as an option; doc_fragments/admission.py words it for people."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

DEFINITION = ArgumentSpec({"definition": {"type": "dict", "required": True}})
