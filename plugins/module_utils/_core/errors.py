# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The one error that a module of this collection raises on purpose."""

from __future__ import annotations

from typing import Any


class RampartError(Exception):
    """A foreseeable failure, worded for the person at the terminal.

    ``message`` says what was attempted, on what, and why it failed. ``next_step`` says what to do
    now. ``details`` are plain data for playbooks (an exit code, a list of objects) and never hold
    a secret.
    """

    def __init__(self, message: str, *, next_step: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} Next step: {self.next_step}" if self.next_step else self.message
