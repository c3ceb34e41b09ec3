# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A release that some Helm began to change and did not finish: is that Helm still at it, and what now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm.history import Head

VERBS = frozenset({"install", "rollback", "uninstall", "upgrade"})
ROLLBACK, UNINSTALL = "rollback", "uninstall"


@dataclass(frozen=True, slots=True)
class Stuck:
    """What is known of a pending revision."""

    title: str
    head: Head
    # Seconds by the clock of the API server.
    age: float
    # Whether the run that held the release's lease was ended in the middle.
    writer_died: bool
    # Helms of this machine that work on the release.
    processes: tuple[int, ...]


def decide(stuck: Stuck, good: Head | None, *, after: float, allow_uninstall: bool) -> str:
    """Return how to repair it; an error while somebody may still be at it, or where it is not allowed."""
    title, head = stuck.title, stuck.head
    if stuck.processes:
        listed = ", ".join(map(str, stuck.processes))
        raise _refuse(
            f"Revision {head.number} of {title} is {head.status}: a Helm here is at it (PID {listed})",
            "wait until it has ended, or end it, then run again",
            stuck,
        )
    if not stuck.writer_died and stuck.age < after:
        raise _refuse(
            f"Revision {head.number} of {title} is {head.status} since {stuck.age:.0f} s, and some Helm may "
            "be at it",
            f"wait; what is still pending after {after:g} s counts as ended in the middle (pending_after)",
            stuck,
        )
    if good is not None:
        return ROLLBACK
    if allow_uninstall:
        return UNINSTALL
    raise _refuse(
        f"Revision {head.number} of {title} is {head.status}, whoever began it is gone, and there is no "
        "revision to go back to",
        "set allow_uninstall to remove what was begun and install it anew",
        stuck,
    )


def _refuse(what: str, step: str, stuck: Stuck) -> RampartError:
    return RampartError(
        f"{what}. Nothing was changed.",
        next_step=step,
        release=stuck.title,
        revision=stuck.head.number,
        status=stuck.head.status,
    )


def seconds_since(created: str, now: str) -> float:
    """Return how old an object is, both times as the API server wrote them (RFC 3339, and a Date header)."""
    began = datetime.fromisoformat(created)
    asked = datetime.strptime(now, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    return max(0.0, (asked - began).total_seconds())


def processes(name: str, namespace: str, proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the Helms of this machine that change a release of that name in that namespace."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = [word.decode(errors="replace") for word in (entry / "cmdline").read_bytes().split(b"\0")]
        except OSError:
            # It ended while it was looked at.
            continue
        if is_at_it(words, name, namespace):
            found.append(int(entry.name))
    return tuple(sorted(found))


def is_at_it(words: list[str], name: str, namespace: str) -> bool:
    """Say whether a command line is that of a Helm which changes a release."""
    if not words or not Path(words[0]).name.startswith("helm") or name not in words:
        return False
    if not VERBS & set(words):
        return False
    spaces = [
        word.partition("=")[2] or (words[position + 1] if position + 1 < len(words) else "")
        for position, word in enumerate(words)
        if word in ("-n", "--namespace") or word.startswith("--namespace=")
    ]
    return not spaces or namespace in spaces
