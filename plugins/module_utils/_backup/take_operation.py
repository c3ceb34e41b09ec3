# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.etcd_backup does: one snapshot, whole and described, or none."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._backup import canary, manifest
from ansible_collections.rampart.k8s.plugins.module_utils._backup.folder import PATIENCE, Folder, sum_of
from ansible_collections.rampart.k8s.plugins.module_utils._backup.manifest import Canary, Manifest
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import TEMPORARY_PREFIX, waiting_writer
from ansible_collections.rampart.k8s.plugins.module_utils._core.moment import FORMAT
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import classify
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_snapshot import Snapshot
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.options import ETCD
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

SPEC = (
    CONNECTION
    | ETCD
    | ArgumentSpec(
        {
            "directory": {"type": "path", "required": True},
            "keep": {"type": "int", "default": 7},
            "every_hours": {"type": "int", "default": 0},
            "cluster_root": {"type": "path"},
            "etcdctl": {"type": "path", "default": "etcdctl"},
            "timeout": {"type": "int", "default": 300},
        }
    )
)


class EtcdBackup:
    """Takes a snapshot of a living etcd, and keeps the newest ones."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._redactor = redactor
        self._check_mode = check_mode
        self._folder = Folder(Path(parameters["directory"]))

    def plan(self) -> Plan:
        """Look whether a backup is due, and of which cluster."""
        parameters = self._parameters
        if not parameters["endpoint"]:
            raise RampartError(
                "The address of etcd is not known, so no backup can be taken.",
                next_step="give endpoint; a control plane that somebody else runs is backed up by them",
            )
        if parameters["keep"] < 1:
            raise RampartError("keep is below 1: no backup would stay.", next_step="keep at least one")
        self._folder.refuse_below(parameters["cluster_root"])
        try:
            self._client = Client(Connection.of(parameters), self._redactor)
            self._cluster = self._client.cluster_uid()
        except (MissingKubeconfigError, UnreachableError):
            if not self._check_mode:
                raise
            return Plan(False, "there is no cluster to back up yet", result={"backup": {}, "removed": []})
        newest = self._folder.newest()
        if newest is not None and newest.cluster != self._cluster:
            raise RampartError(
                f"{self._folder.path} holds backups of the cluster {newest.cluster}, and this is "
                f"{self._cluster}. Nothing was written.",
                next_step="name another folder, or move these backups away",
                path=str(self._folder.path),
            )
        every = timedelta(hours=parameters["every_hours"])
        now = datetime.now(UTC)
        if newest is not None and every and newest.is_younger(every, now):
            reason = f"{newest.snapshot} is younger than {parameters['every_hours']} h"
            return Plan(False, reason, result={"backup": newest.shown(), "removed": []})
        removed = self._folder.surplus(parameters["keep"], coming=1)
        before = {"newest": newest.snapshot if newest else ""}
        after = {"newest": manifest.snapshot_name(now), "removed": removed}
        reason = f"a snapshot of etcd is written to {self._folder.path}"
        return Plan(True, reason, before, after, {"backup": {}, "removed": removed})

    def apply(self, plan: Plan) -> Plan:
        """Take it; until its manifest is written there is no new backup, and no old one is removed."""
        self._folder.make()
        with waiting_writer(self._folder.path, PATIENCE):
            self._folder.sweep()
            partial = self._folder.path / f"{TEMPORARY_PREFIX}snapshot.{secrets.token_hex(6)}"
            try:
                with canary.standing(self._client, self._redactor) as stood:
                    self._save(partial)
                made = self._describe(partial, stood)
                self._folder.keep(partial, made)
            finally:
                partial.unlink(missing_ok=True)
            removed = self._folder.surplus(self._parameters["keep"])
            self._folder.remove(removed)
        return Plan(
            True,
            f"{made.snapshot} holds {made.keys} keys of revision {made.revision}",
            plan.before,
            {"newest": made.snapshot, "removed": removed},
            {"backup": made.shown(), "removed": removed},
        )

    def _save(self, target: Path) -> None:
        parameters = self._parameters
        options = (("cacert", "ca_cert"), ("cert", "client_cert"), ("key", "client_key"))
        login = [f"--{flag}={parameters[name]}" for flag, name in options if parameters[name]]
        cli = Cli(parameters["etcdctl"], redactor=self._redactor, timeout=parameters["timeout"])
        cli.run(f"--endpoints={parameters['endpoint']}", *login, "snapshot", "save", str(target))

    def _describe(self, taken: Path, stood: Canary) -> Manifest:
        """Read the file itself: what a tool says that it wrote is not what is kept."""
        marks: Counter[str] = Counter()
        keys, prefix = 0, self._parameters["prefix"].rstrip("/")
        expected = f"{prefix}/secrets/{stood.namespace}/{stood.name}".encode()
        found = False
        with closing(Snapshot(str(taken))) as snapshot:
            revision = snapshot.revision()
            for value in snapshot.values(b"", revision):
                keys += 1
                found = found or value.key == expected
                envelope = classify(value.value)
                if envelope.encrypted:
                    marks[str(envelope.mark)] += 1
        if not found:
            raise RampartError(
                f"The snapshot does not hold the Secret {stood.namespace}/{stood.name}, which was written "
                "just before: this is the etcd of another cluster. It was not kept.",
                next_step="correct the address of etcd or its prefix",
            )
        # To the second: names sort by time, and two of the same second are one.
        now = datetime.now(UTC)
        return Manifest(
            snapshot=manifest.snapshot_name(now),
            sha256=sum_of(taken),
            size=taken.stat().st_size,
            taken=now.strftime(FORMAT),
            cluster=self._cluster,
            revision=revision,
            keys=keys,
            prefix=prefix,
            encryption_keys=tuple(sorted(marks)),
            canary=stood,
        )
