# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A judgement stands while nothing changes that it rests on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis import api
from ansible_collections.rampart.k8s.plugins.module_utils._cis.definitions import ALL
from ansible_collections.rampart.k8s.plugins.module_utils._cis.keeping import GATE, Keeper
from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Explanation
from ansible_collections.rampart.k8s.plugins.module_utils._cis.operation import Benchmark
from ansible_collections.rampart.k8s.plugins.module_utils._cis.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._verify import observe
from ansible_collections.rampart.k8s.plugins.module_utils._verify.ledger import Ledger
from ansible_collections.rampart.k8s.tests.support.cluster import FakeCluster


class Office:
    """One cluster, one store, and one order for the API only: 5.4.2 warns there, and 5.7.4 passes."""

    def __init__(self, folder: Path) -> None:
        self.store = EvidenceStore(folder / "evidence")
        self.report = folder / "report.md"
        self.cluster = FakeCluster()
        for path in (*api.LISTS.values(), "/api/v1/secrets"):
            self.cluster.lists.setdefault(path, [])
        ids = {"policies": ["5.4.2", "5.7.4"]}
        (folder / "cis").mkdir()
        for number, target in enumerate(ALL):
            checks = [{"id": one, "text": f"Ensure {one}"} for one in ids.get(target, [f"{number}.1.1"])]
            (folder / f"cis/{target}.yaml").write_text(yaml.safe_dump({"groups": [{"checks": checks}]}))
        self.order = Order(
            KubeBench("/nowhere/kube-bench", folder, "cis", 1.0),
            targets=(),
            cluster_root=None,
            files={},
            paths={},
            explanations={"5.4.2": Explanation("none is needed", "the owner")},
            trusted_subjects=(),
            system_namespaces=("kube-system",),
            report_paths=(str(self.report),),
            report_only=True,
            check_mode=False,
        )

    def judge(self, *, max_age: int = 3600, check: bool = False) -> Plan:
        parameters = {"evidence_dir": str(self.store.folder), "evidence_play": {}}
        ledger = Ledger.of(GATE, parameters, Redactor(), check_mode=check)
        order = replace(self.order, check_mode=check)
        benchmark = Benchmark(order, lambda: self.cluster, Keeper(ledger, max_age))
        plan = benchmark.plan()
        return benchmark.apply(plan) if plan.changed and not check else plan


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_an_unchanged_cluster_is_not_judged_again(office: Office) -> None:
    first = office.judge()
    assert not first.result["reused"]
    second = office.judge()
    assert second.result == {
        "passed": True,
        "counts": first.result["counts"],
        "violations": [],
        "reused": True,
        "evidence": first.result["evidence"],
    }
    assert "nothing it depends on has changed since" in second.reason
    assert len(office.store.verify().records) == 1
    assert office.store.verify().records[0].record.retention == "audit_10y"


@pytest.mark.parametrize(
    "change",
    [
        lambda office: office.cluster.lists[api.LISTS["pods"]].append(
            {"metadata": {"name": "new", "namespace": "dev"}, "spec": {"containers": []}}
        ),
        lambda office: office.cluster.lists[observe.SERVERS[0]][0]["spec"].update(holderIdentity="server-2"),
        lambda office: office.report.write_text("all is well"),
        lambda office: office.report.unlink(),
        lambda office: (office.order.kube_bench.folder / "cis/policies.yaml").touch(),
        lambda office: setattr(office, "order", replace(office.order, trusted_subjects=("User:eve",))),
    ],
)
def test_a_change_is_judged_afresh(office: Office, change: Callable[[Office], Any]) -> None:
    office.judge()
    change(office)
    assert not office.judge().result["reused"]
    assert office.judge().result["reused"]


def test_without_an_age_everything_is_judged(office: Office) -> None:
    office.judge()
    assert not office.judge(max_age=0).result["reused"]


def test_a_shut_gate_is_recorded_and_never_taken_over(office: Office) -> None:
    office.order = replace(office.order, explanations={})
    for _twice in range(2):
        plan = office.judge()
        assert not plan.result["passed"]
        assert not plan.result["reused"]
    records = office.store.verify().records
    assert [stored.record.verdict for stored in records] == ["failed", "failed"]
    assert records[0].record.summary["found"] == ["5.4.2 Ensure 5.4.2"]


def test_check_mode_records_nothing(office: Office) -> None:
    assert office.judge(check=True).result["evidence"] == ""
    assert not office.store.folder.exists()


def test_evidence_that_was_changed_shuts_the_gate(office: Office) -> None:
    office.judge()
    chain = next(office.store.folder.glob("audit_10y/*.jsonl"))
    chain.write_bytes(chain.read_bytes().replace(b'"FAIL":0', b'"FAIL":9'))
    plan = office.judge()
    assert not plan.result["passed"]
    assert not plan.result["reused"]
    assert plan.result["violations"][0]["id"] == "evidence"
    assert "record audit_10y:1 (cis_benchmark on uid-1)" in plan.result["violations"][0]["found"]
    office.order = replace(office.order, report_only=False)
    with pytest.raises(RampartError, match="Ensure that no evidence was changed"):
        office.judge()
