# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that the tools role brought."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ.get("RAMPART_TOOLS_BIN", "~/.cache/rampart/bin")).expanduser()


def tool(name: str) -> Path:
    """Return where a program is, whether it is there or not."""
    return FOLDER / name
