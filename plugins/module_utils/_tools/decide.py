# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Chooses where a tool comes from: the first source in the fixed order that can give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool

# The order is the product's promise (nothing is fetched that is there, nothing is built that can
# be had); a caller may leave sources out, not turn them round.
SOURCES = ("path", "cache", "mirror", "release", "build")

# What is there already: nothing has to be fetched.
PRESENT = ("path", "cache", "package")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source says about one tool."""

    usable: bool
    note: str
    # Existing files by place, for sources where they are on this machine already.
    files: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)
    # What the source itself needs to know later (a cached artifact, a line of SHA256SUMS).
    handle: Any = None


Probe = Callable[[Tool], Answer]


@dataclass(frozen=True, slots=True)
class Decision:
    """The source of one tool and why it is this one."""

    tool: Tool
    source: str
    reason: str
    answer: Answer

    @property
    def fetches(self) -> bool:
        """Tell whether the tool has to be downloaded, unpacked or built."""
        return self.source not in PRESENT


def choose(tool: Tool, probes: Mapping[str, Probe], *, check_mode: bool = False) -> Decision:
    """Ask the sources in order and take the first that can give the tool.

    A later source is not asked when an earlier one answered: that keeps a run without changes
    off the network. Raises RampartError with what every source said when none can. In check mode
    a tool that a system package will bring is announced instead: the package task before this
    one did not really run either.
    """
    said: list[str] = []
    for source in SOURCES:
        if source not in probes:
            continue
        answer = probes[source](tool)
        if answer.usable:
            reason = "; ".join([*said, answer.note])
            return Decision(tool, source, reason, answer)
        said.append(answer.note)
    package = tool.system.package if tool.system else ""
    if check_mode and package:
        note = f"the system package {package} would bring it"
        return Decision(tool, "package", "; ".join([*said, note]), Answer(True, note))
    raise RampartError(
        f"No source can give {tool.name} {tool.version}: {'; '.join(said) or 'no source is allowed'}.",
        next_step=_next_step(tool, probes),
        tool=tool.name,
        said=said,
    )


def _next_step(tool: Tool, probes: Mapping[str, Probe]) -> str:
    if tool.system and tool.system.package:
        return f"install the package {tool.system.package} (or what your distribution calls it) and run again"
    if tool.system and tool.system.python:
        return (
            f"install the Python package {tool.system.python}=={tool.version}, which requirements.txt names, "
            "beside the interpreter that runs the collection, and run again"
        )
    missing = [source for source in SOURCES if source not in probes]
    allowed = f", or allow another source ({', '.join(missing)})" if missing else ""
    return (
        "set tools_mirror to a folder or URL that holds it, or make the Go toolchain and its module "
        f"proxy available{allowed}"
    )


def summary(decisions: Sequence[Decision], linked: Sequence[str]) -> str:
    """Say in one sentence what a run does, or that it has nothing to do."""
    fetched = [f"{item.tool.name} ({item.source})" for item in decisions if item.fetches]
    parts = []
    if fetched:
        parts.append(f"{len(fetched)} of {len(decisions)} tools are not here yet: {', '.join(fetched)}")
    if linked:
        parts.append(f"{len(linked)} links are missing or point elsewhere")
    return "; ".join(parts) or f"all {len(decisions)} tools are here, verified and linked"
