# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The revisions of a release: all of them by name and status, and those that are needed in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import (
    DEPLOYED,
    PENDING,
    SUPERSEDED,
    Revision,
    decode,
)
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, METADATA_LIST, Client

# Helm hands the labels of a revision on to the next, so each says which revision it was given to.
VERIFIED = "rampart.k8s/verified"
CHART = "rampart.k8s/chart"
WRITER = "rampart.k8s/writer"
# The longest value of a label: a digit less than a sha256 has.
LABEL_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Head:
    """What the name and the labels of a revision's Secret say, without what is in it."""

    secret: str
    number: int
    status: str
    labels: Mapping[str, str]
    # By the clock of the API server.
    created: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Read the metadata of a Secret."""
        metadata = item["metadata"]
        labels = metadata.get("labels") or {}
        return cls(
            metadata["name"],
            int(labels.get("version") or 0),
            str(labels.get("status")),
            labels,
            str(metadata.get("creationTimestamp") or ""),
        )

    @property
    def verified(self) -> bool:
        """Whether this very revision was verified once."""
        return self.labels.get(VERIFIED) == str(self.number)

    def begun_under(self, fencing: int) -> bool:
        """Whether an earlier holder of the release's lease began it: that one is not at it any more."""
        number, _dash, holding = self.labels.get(WRITER, "").partition("-")
        return number == str(self.number) and holding.isdecimal() and int(holding) < fencing

    @property
    def pending(self) -> bool:
        return self.status in PENDING


def good(heads: Sequence[Head], below: int) -> Head | None:
    """Return the revision to go back to: the newest verified one, or else the newest that was deployed."""
    done = [head for head in heads if head.number < below and head.status in (DEPLOYED, SUPERSEDED)]
    return max(done, key=lambda head: (head.verified, head.number), default=None)


def writer_label(number: int, fencing: int) -> dict[str, str]:
    """Return what tells who began with a revision."""
    return {WRITER: f"{number}-{fencing}"}


class History:
    """The revisions of one release in a cluster."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self.namespace, self.name = namespace, name
        self._client = client
        self._collection = f"/api/v1/namespaces/{namespace}/secrets"
        self._loaded: dict[str, Revision] = {}
        self.heads: list[Head] = []

    def refresh(self) -> list[Head]:
        """Read names and labels of all revisions, the oldest first."""
        items, _unused = self._client.list_all(
            self._collection,
            query={"labelSelector": f"owner=helm,name={self.name}"},
            target=f"the revisions of release {self.namespace}/{self.name}",
            accept=METADATA_LIST,
        )
        self.heads = sorted(map(Head.of, items), key=lambda head: head.number)
        self._loaded.clear()
        return self.heads

    @property
    def last(self) -> Head | None:
        """The newest revision, whatever became of it."""
        return self.heads[-1] if self.heads else None

    def load(self, head: Head) -> Revision:
        """Read one revision in full."""
        if head.secret not in self._loaded:
            secret = self._client.get(
                f"{self._collection}/{head.secret}",
                target=f"revision {head.number} of release {self.namespace}/{self.name}",
            )
            self._loaded[head.secret] = Revision.of(decode(secret))
        return self._loaded[head.secret]

    def require_last(self) -> Revision:
        """Read the newest revision; a release that is not there is an error."""
        if self.last is None:
            raise RampartError(
                f"There is no release {self.name} in the namespace {self.namespace}.",
                next_step="install it first (rampart.k8s.helm_deploy), or correct its name",
                release=self.name,
                namespace=self.namespace,
            )
        return self.load(self.last)

    def mark_verified(self, number: int) -> None:
        """Note on a revision that it was verified, for whoever looks for one to go back to."""
        for head in self.heads:
            if head.number == number and not head.verified:
                self._client.call(
                    "PATCH",
                    f"{self._collection}/{head.secret}",
                    body={"metadata": {"labels": {VERIFIED: str(number)}}},
                    content_type=MERGE,
                    target=f"revision {number} of release {self.namespace}/{self.name}",
                    verb="mark",
                )
