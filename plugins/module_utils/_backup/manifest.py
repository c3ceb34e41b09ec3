# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is known of a snapshot: whose it is, when it was taken, and by what it is recognized. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.moment import FORMAT

# Another version of the file says so, and is not guessed at.
VERSION = 1
MOST_BYTES = 64 * 1024

_STEM = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"etcd-[0-9]{8}T[0-9]{6}Z\.db")
_SUM = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Canary:
    """A Secret that was there when the snapshot was taken, and the SHA-256 of its random value."""

    namespace: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One snapshot. No value that the cluster stores stands in it."""

    snapshot: str
    sha256: str
    size: int
    taken: str
    cluster: str
    # The last write, and how many keys were live then.
    revision: int
    keys: int
    # What the API server puts in front of its keys.
    prefix: str
    # Who can read the encrypted values: providers and names of keys, never the keys.
    encryption_keys: tuple[str, ...]
    canary: Canary

    @property
    def moment(self) -> datetime:
        """When the snapshot was taken."""
        return datetime.strptime(self.taken, FORMAT).replace(tzinfo=UTC)

    def is_younger(self, limit: timedelta, now: datetime) -> bool:
        """Tell whether it is younger; one from the future has no age that could be trusted."""
        return timedelta(0) <= now - self.moment <= limit

    def dump(self) -> bytes:
        """Return the file's content."""
        return (json.dumps({"version": VERSION, **asdict(self)}, indent=2) + "\n").encode()

    def shown(self) -> dict[str, Any]:
        """Return what a result may hold."""
        return {
            "snapshot": self.snapshot,
            "sha256": self.sha256,
            "size": self.size,
            "taken": self.taken,
            "cluster": self.cluster,
            "revision": self.revision,
            "keys": self.keys,
            "encryption_keys": list(self.encryption_keys),
        }

    @classmethod
    def load(cls, content: bytes, name: str) -> Self:
        """Read a file's content; raises RampartError for anything that is not as it was written."""
        try:
            data = json.loads(content)
            if data.pop("version") != VERSION:
                raise ValueError("it is of another version")
            made = cls(
                **{
                    **data,
                    "encryption_keys": tuple(data["encryption_keys"]),
                    "canary": Canary(**data["canary"]),
                }
            )
            made._check()
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RampartError(
                f"{name} is no manifest of a backup: its content is not what was written.",
                next_step="take it from where the backup was copied to, or remove it with its snapshot",
                path=name,
            ) from error
        return made

    def _check(self) -> None:
        texts = (self.cluster, self.prefix, self.canary.namespace, self.canary.name, *self.encryption_keys)
        numbers = (self.size, self.revision, self.keys)
        if not (
            all(isinstance(text, str) and text for text in texts)
            # A truth value is a number to Python.
            and all(
                isinstance(number, int) and not isinstance(number, bool) and number > 0 for number in numbers
            )
            and _SUM.fullmatch(self.sha256)
            and _SUM.fullmatch(self.canary.sha256)
            # It names a file beside it, and nothing elsewhere.
            and _NAME.fullmatch(self.snapshot)
            and snapshot_name(self.moment) == self.snapshot
        ):
            raise ValueError("a field is not what it should be")


def snapshot_name(moment: datetime) -> str:
    """Return what a snapshot of that moment is called."""
    return f"etcd-{moment:{_STEM}}.db"


def manifest_name(snapshot: str) -> str:
    """Return what the manifest beside a snapshot is called."""
    return snapshot.removesuffix(".db") + ".json"


def surplus(names: Sequence[str], keep: int) -> list[str]:
    """Return the snapshots that are more than are kept, the oldest first; names sort by time."""
    return sorted(names)[: max(0, len(names) - keep)]
