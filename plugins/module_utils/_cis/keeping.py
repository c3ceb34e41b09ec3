# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Whether the benchmark has to be judged again, and the evidence of its verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import Api
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._cis.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import canonical, program
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.chain import StoredRecord
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import programs
from ansible_collections.rampart.k8s.plugins.module_utils._verify.ledger import Ledger
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster, content

GATE = "cis_benchmark"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the verdicts on one cluster."""

    ledger: Ledger
    max_age: int

    def subject(self, order: Order, client: Client, api: Api) -> tuple[Subject, bool]:
        """Return the subject with all that the judgement rests on, and whether that is all of it."""
        cluster = Cluster(client)
        base = cluster.base()
        whole = {
            "base": base,
            "default_level": api.default_level,
            "objects": {kind: sorted(map(_spelled, items)) for kind, items in api.objects.items()},
            "api": [sorted(api.groups), api.user, api.token_secrets, api.bootstrap_secrets],
            "host": programs.observe(order.cluster_root if order.targets else None),
            "files": [_mode(path) for path in (*order.files.values(), *order.paths.values())],
            "program": [program.code(), _program(order)],
            "order": self.policy(order),
        }
        return Subject("cluster", cluster.uid, program.digest(whole)), bool(base["servers"])

    def policy(self, order: Order) -> str:
        """Return the digest of what is demanded."""
        return program.digest(
            {
                "benchmark": order.kube_bench.benchmark,
                "targets": order.targets,
                "files": dict(order.files),
                "paths": dict(order.paths),
                "explanations": {name: asdict(each) for name, each in order.explanations.items()},
                "trusted_subjects": order.trusted_subjects,
                "system_namespaces": order.system_namespaces,
            }
        )

    def passed(self, subject: Subject, complete: bool, reports: Sequence[str]) -> StoredRecord | None:
        """Return an earlier pass that stands, with its reports as they were written."""
        max_age = self.max_age if complete else 0
        found = self.ledger.passed(subject, timedelta(seconds=max_age))
        if found is None or found.record.summary.get("reports", []) != _digests(reports):
            return None
        return found

    def write(self, order: Order, subject: Subject, outcome: Outcome) -> str:
        """Record a verdict."""
        return self.ledger.write(
            subject,
            "failed" if outcome.violations else "passed",
            policy=self.policy(order),
            counts={name.replace(" ", "_"): count for name, count in outcome.counts.items()},
            found=[f"{each.id} {each.title}" for each in outcome.violations],
            more={"reports": _digests(order.report_paths)},
        )


def _spelled(item: Mapping[str, Any]) -> str:
    return program.digest(content(item))


def _mode(path: str) -> list[Any]:
    try:
        status = Path(path).stat()
    except OSError as error:
        return [path, str(error.strerror)]
    return [path, status.st_mode, status.st_uid, status.st_gid]


def _program(order: Order) -> list[Any]:
    """Return which kube-bench it is, and with which definitions."""
    bench = order.kube_bench
    folder = bench.folder / bench.benchmark
    paths = [Path(os.path.realpath(bench.program)), *sorted(folder.glob("*.yaml"))]
    return [[str(path), *programs.identity(path.stat())] for path in paths if path.exists()]


def _digests(reports: Sequence[str]) -> list[str]:
    return [
        canonical.digest_of_bytes(Path(path).read_bytes()) if Path(path).is_file() else "missing"
        for path in reports
    ]
