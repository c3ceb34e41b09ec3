# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What can be claimed of a backup, from what was seen of it. Pure: no value of the cluster comes here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Mark
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict

SECRETS = "secrets"


def control(claim: str, held: bool, observed: str) -> Proof:
    """Return a claim that had to be so."""
    return Proof(claim, Verdict.HELD if held else Verdict.BROKEN, False, "" if held else observed)


def refusal(claim: str, held: bool, observed: str) -> Proof:
    """Return a claim that something was refused, or is not there."""
    return Proof(claim, Verdict.HELD if held else Verdict.BROKEN, True, "" if held else observed)


def described(backup: Manifest, cluster: str, now: datetime, max_age_hours: int) -> list[Proof]:
    """Judge the manifest: whose backup it is, and how old."""
    young = backup.is_younger(timedelta(hours=max_age_hours), now)
    return [
        control(
            "the backup is of this cluster",
            backup.cluster == cluster,
            f"it is of the cluster {backup.cluster}",
        ),
        control(
            f"the backup is at most {max_age_hours} h old",
            young,
            f"{backup.snapshot} was taken at {backup.taken}",
        ),
    ]


def whole(backup: Manifest, size: int, sha256: str) -> Proof:
    """Judge whether the snapshot is the one that was written."""
    same = (size, sha256) == (backup.size, backup.sha256)
    return control("the snapshot is as it was written", same, "its sum is not that of its manifest")


def changed(why: str | None) -> Proof:
    """Judge what became of a copy with one changed byte."""
    claim = "a snapshot with one changed byte is refused"
    if why == "its sum":
        return Proof(claim, Verdict.HELD, True)
    if why is None:
        return Proof(claim, Verdict.BROKEN, True, "etcd restored it")
    # It would be refused as well when nobody looked at the sum.
    return Proof(claim, Verdict.VACUOUS, True, why)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the Secrets in a snapshot carry of whoever encrypted them."""

    total: int
    plain: int
    marks: Collection[Mark]


def encrypted(stored: Stored, readable: Collection[Mark]) -> list[Proof]:
    """Judge the Secrets in the file, and whether the living configuration has their keys."""
    missing = sorted(str(mark) for mark in set(stored.marks) - set(readable))
    return [
        refusal(
            "no Secret lies in the backup in plain text",
            stored.total > 0 and not stored.plain,
            f"{stored.plain} of {stored.total} do" if stored.total else "there is none in it",
        ),
        control(
            "the encryption configuration has the keys of the backup",
            not missing,
            f"it has not {', '.join(missing)}",
        ),
    ]


def restored(backup: Manifest, revision: int, keys: int) -> Proof:
    """Judge what a restored etcd says that it holds."""
    return control(
        "the restored etcd holds the revision and the keys of the manifest",
        (revision, keys) == (backup.revision, backup.keys),
        f"it holds {keys} keys of revision {revision} instead of {backup.keys} of {backup.revision}",
    )


@dataclass(frozen=True, slots=True)
class Read:
    """What an API server on the restored etcd answered."""

    cluster: str
    secrets: int
    # The sum of what the canary holds; empty when it is not there.
    canary: str


def answered(backup: Manifest, stored: Stored, read: Read) -> list[Proof]:
    """Judge what was read back through an API server."""
    return [
        control(
            "the restored cluster is the one that was backed up",
            read.cluster == backup.cluster,
            f"it is {read.cluster}",
        ),
        control(
            "every Secret of the backup can be decrypted",
            read.secrets == stored.total,
            f"{read.secrets} of {stored.total} were read",
        ),
        control(
            "a Secret that exists in the backup alone reads as it was written",
            read.canary == backup.canary.sha256,
            "it holds something else" if read.canary else "it is not there",
        ),
    ]
