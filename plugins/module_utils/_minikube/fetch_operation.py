# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Keeps files of a node on this machine as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node

READABLE_BY_ITS_OWNER = 0o600


def is_kept(path: Path, content: str) -> bool:
    """Whether the file is here, whole, for its owner only, and nothing half-written beside it."""
    try:
        mode = path.stat().st_mode & 0o7777
        return mode == READABLE_BY_ITS_OWNER and path.read_text() == content and not leftovers(path)
    except (OSError, UnicodeDecodeError):
        return False


@dataclass(slots=True)
class FetchOperation:
    """All files of one task, by their paths on this machine. Contents stand in no result."""

    node: Node
    files: Mapping[Path, str]
    _stale: dict[Path, str] = field(default_factory=dict)
    _runs: bool = False

    def plan(self) -> Plan:
        """Compare; a node that does not run cannot be asked, so what is kept of it stays."""
        self._runs = self.node.runs()
        absent = [path for path in self.files if not path.exists()]
        if self._runs:
            contents = {path: self._content(source) for path, source in self.files.items()}
            self._stale = {path: text for path, text in contents.items() if not is_kept(path, text)}
        wanted = list(self._stale) if self._runs else absent
        return Plan(
            changed=bool(wanted),
            reason=f"not as in the node: {', '.join(str(path) for path in wanted)}"
            if wanted
            else "all are as in the node",
            before={str(path): "absent" if path in absent else "another" for path in wanted},
            after={str(path): f"as {self.files[path]} in the node" for path in wanted},
            result={"fetched": [str(path) for path in wanted]},
        )

    def apply(self, plan: Plan) -> Plan:
        """Write them, each whole or not at all."""
        if not self._runs:
            raise RampartError(
                f"Nothing can be fetched: the node {self.node.name} does not run.",
                next_step="start the profile (playbooks/cluster_start.yml), then run again",
            )
        for path, content in self._stale.items():
            for leftover in leftovers(path):
                leftover.unlink(missing_ok=True)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(path, content.encode(), mode=READABLE_BY_ITS_OWNER)
        return plan

    def _content(self, source: str) -> str:
        content = self.node.read(source)
        if not content:
            raise RampartError(
                f"{source} is not in the node {self.node.name}, or it is empty.",
                next_step="check that the profile was started to its end, with Kubernetes in it",
            )
        return content
