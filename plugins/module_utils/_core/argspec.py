# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Argument specifications as values: options and their constraints travel together and can be merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    """Options and constraints of a module, in the words of AnsibleModule."""

    options: dict[str, Any] = field(default_factory=dict)
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    required_if: tuple[tuple[Any, ...], ...] = ()
    required_by: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __or__(self, other: ArgumentSpec) -> ArgumentSpec:
        """Merge two specifications; an option that stands in both is a mistake, not an override."""
        twice = self.options.keys() & other.options.keys()
        if twice:
            raise ValueError(f"options stand in both specifications: {', '.join(sorted(twice))}")
        return ArgumentSpec(
            {**self.options, **other.options},
            self.mutually_exclusive + other.mutually_exclusive,
            self.required_together + other.required_together,
            self.required_one_of + other.required_one_of,
            self.required_if + other.required_if,
            {**self.required_by, **other.required_by},
        )

    def module_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments for AnsibleModule."""
        return {
            "argument_spec": self.options,
            "mutually_exclusive": self.mutually_exclusive,
            "required_together": self.required_together,
            "required_one_of": self.required_one_of,
            "required_if": self.required_if,
            "required_by": self.required_by,
        }


# The action plugin fills it in; it is not for users and stands in no documentation.
PROGRESS = ArgumentSpec({"_progress_file": {"type": "path"}})

# Of every gate: it fails its task unless it is told only to report.
REPORT = ArgumentSpec({"report_only": {"type": "bool", "default": False}})
