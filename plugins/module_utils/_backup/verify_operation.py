# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.backup_verify does: restore the newest backup for real, and read its Secrets back."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._backup import canary, judge
from ansible_collections.rampart.k8s.plugins.module_utils._backup.folder import PATIENCE, Folder, sum_of
from ansible_collections.rampart.k8s.plugins.module_utils._backup.judge import Read, Stored
from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Manifest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.restored import (
    Etcd,
    Tools,
    Workplace,
    workplace,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import waiting_writer
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Tally
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_snapshot import Snapshot
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import Mark, entries_of
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

SPEC = (
    CONNECTION
    | REPORT
    | EVIDENCE
    | ArgumentSpec(
        {
            "directory": {"type": "path", "required": True},
            "config_path": {"type": "path", "required": True},
            "max_age_hours": {"type": "int", "default": 24},
            "etcd": {"type": "path", "default": "etcd"},
            "etcdctl": {"type": "path", "default": "etcdctl"},
            "etcdutl": {"type": "path", "default": "etcdutl"},
            "api_server": {"type": "path", "default": "kube-apiserver"},
            "timeout": {"type": "int", "default": 120},
        }
    )
)

ALL_SECRETS = "/api/v1/secrets"


class BackupVerify(ProofGate):
    """Works on a copy; the living cluster is only asked which one it is.

    It is always proved anew: whether a disk gives back what was written to it cannot be told otherwise.
    """

    name = "backup_verify"
    control = "backup and recovery"
    claim = "that the newest backup can be restored, and its Secrets read"

    def outline(self, _client: Client) -> str:
        """Nothing has to be read for it."""
        return self.claim

    def prove(self, client: Client) -> list[Proof]:
        """Find the newest backup, restore it, read it back."""
        folder = Folder(Path(self.parameters["directory"]))
        if not folder.path.is_dir():
            return [_broken("there is a backup", f"there is no folder {folder.path}")]
        try:
            with waiting_writer(folder.path, PATIENCE):
                return self._newest(folder, client)
        except OSError as error:
            raise RampartError(
                f"Could not restore a backup beside those in {folder.path}: {error.strerror}.",
                next_step="free space for two more of them, or make the folder writable, then run again",
                path=str(folder.path),
            ) from error

    def _newest(self, folder: Folder, client: Client) -> list[Proof]:
        """Judge the newest backup; one that is not as it was written is not restored."""
        folder.sweep()
        try:
            backup = folder.newest()
        except RampartError as error:
            return [_broken("there is a backup", error.message)]
        if backup is None:
            return [_broken("there is a backup", f"there is none in {folder.path}")]
        self.more = {"snapshot": backup.snapshot, "sha256": backup.sha256, "taken": backup.taken}
        age = self.parameters["max_age_hours"]
        proofs = judge.described(backup, client.cluster_uid(), datetime.now(UTC), age)
        snapshot = folder.path / backup.snapshot
        proofs.append(judge.whole(backup, snapshot.stat().st_size, sum_of(snapshot)))
        if proofs[-1].verdict is Verdict.HELD:
            proofs += self._restored(backup, snapshot)
        return proofs

    def _restored(self, backup: Manifest, snapshot: Path) -> list[Proof]:
        """Restore in a place of its own. What fails there is what would fail in earnest."""
        parameters = self.parameters
        tools = Tools(*(parameters[name] for name in ("etcd", "etcdctl", "etcdutl", "api_server", "timeout")))
        with workplace(snapshot.parent, tools, self.redactor) as place:
            proofs = [judge.changed(place.refusal(snapshot))]
            try:
                stored = _stored(backup, snapshot)
                proofs += judge.encrypted(stored, self._readable())
                revision = place.revision(snapshot)
                place.restore(snapshot)
                with place.etcd(backup.revision) as etcd:
                    proofs.append(judge.restored(backup, revision, etcd.keys))
                    proofs += self._answered(place, etcd, backup, stored)
            except RampartError as error:
                proofs.append(_broken("the backup can be restored", error.message.rstrip(".")))
        return proofs

    def _readable(self) -> set[Mark]:
        """Return what the living configuration can read of Secrets."""
        file = ConfigFile(Path(self.parameters["config_path"]), self.redactor)
        entries = entries_of(file.require().configuration, judge.SECRETS)
        return {mark for entry in entries for mark in entry.marks}

    def _answered(self, place: Workplace, etcd: Etcd, backup: Manifest, stored: Stored) -> list[Proof]:
        with place.api_server(etcd, backup.prefix, self.parameters["config_path"]) as client:
            secrets, _version = client.list_all(ALL_SECRETS, target="the Secrets of the backup")
            stood = backup.canary
            found = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in secrets}
            again = found.get((stood.namespace, stood.name))
            read = Read(client.cluster_uid(), len(secrets), canary.sum_of(again) if again else "")
        return judge.answered(backup, stored, read)


def _stored(backup: Manifest, snapshot: Path) -> Stored:
    """Read from the file itself what its Secrets carry."""
    tally = Tally(backup.prefix, (judge.SECRETS,))
    with closing(Snapshot(str(snapshot))) as source:
        for value in source.values(f"{backup.prefix}/{judge.SECRETS}/".encode(), backup.revision):
            tally.add(*value)
    marks: Counter[Mark] = tally.marks()
    return Stored(tally.total(), tally.total(encrypted=False), frozenset(marks))


def _broken(claim: str, observed: str) -> Proof:
    return Proof(claim, Verdict.BROKEN, False, observed)
