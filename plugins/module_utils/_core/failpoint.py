# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Names the steps of a change, so that tests can end a run before any of them.

The name goes to the interpreter's audit hooks (PEP 578). Nobody listens outside of tests, and nothing
from outside, no variable and no file, can make a step do anything.
"""

from __future__ import annotations

import sys

EVENT = "rampart.failpoint"


def failpoint(name: str) -> None:
    """Say that the step of this name begins now."""
    sys.audit(EVENT, name)
