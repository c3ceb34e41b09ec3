# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The files of rules that a task names: read from the disk, or given as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# Nobody writes that much by hand.
MOST_BYTES = 4 << 20

RULES = ArgumentSpec(
    {
        "files": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {"path": {"type": "str", "required": True}, "content": {"type": "str"}},
        }
    }
)


def texts(files: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return name and text of each file, in the order in which Falco would load them."""
    return [(entry["path"], _text(entry)) for entry in files]


def _text(entry: Mapping[str, Any]) -> str:
    if entry["content"] is not None:
        return str(entry["content"])
    try:
        with Path(entry["path"]).open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError("it is larger than rules can be")
        return content.decode()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text of the size of rules"
        raise RampartError(
            f"Could not read the rules {entry['path']}: {why}. Nothing was touched.",
            next_step="correct the path or the file",
            path=entry["path"],
        ) from error
