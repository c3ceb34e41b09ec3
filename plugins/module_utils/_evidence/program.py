# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which program judged: a verdict of other code is another verdict, whatever its version says."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest_of_bytes

PREFIX = "ansible_collections.rampart.k8s."
SHOWN = 16


def code() -> str:
    """Return the digest of everything of this collection that this process has loaded."""
    sources = []
    for name, module in sorted(sys.modules.items()):
        # Ansible runs modules out of an archive, whose loader has no class in common with that of files.
        read = getattr(getattr(getattr(module, "__spec__", None), "loader", None), "get_source", None)
        if name.startswith(PREFIX) and read is not None:
            sources.append([name, hashlib.sha256((read(name) or "").encode()).hexdigest()])
    if not sources:
        raise RampartError(
            "This module cannot say which code it runs, so its verdict would be nobody's.",
            next_step="report it with the version of Ansible",
        )
    return digest(sources)


def shown(whole: str) -> str:
    """Shorten a digest to what a person compares."""
    return f"code {whole.partition(':')[2][:SHOWN]}"


def digest(data: Any) -> str:
    """Return the digest of anything that was observed, numbers with a fraction and null included."""
    return digest_of_bytes(json.dumps(data, sort_keys=True, separators=(",", ":"), default=str).encode())
