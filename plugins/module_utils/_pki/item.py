# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One named thing of a set of keys and certificates, with its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import Wanted as WantedFile
from ansible_collections.rampart.k8s.plugins.module_utils._files.operation import observe

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
UNCHANGED = "it is as it should be"


@dataclass(slots=True)
class Item:
    """What it is, and its files as they will be after the run."""

    kind: str
    name: str
    files: list[WantedFile]
    action: str = "unchanged"
    reason: str = UNCHANGED
    shown_before: dict[str, Any] = field(default_factory=dict)
    shown_after: dict[str, Any] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """Return it as it may be shown."""
        shown: dict[str, Any] = {
            key: self.shown_after[key] for key in ("expires", "names") if key in self.shown_after
        }
        return {"name": self.name, "action": self.action, "reason": self.reason, **shown}


def read(path: Path) -> bytes | None:
    """Return what a file holds; None when there is none."""
    seen = observe(path)
    return seen.content if seen.kind == "file" else None
