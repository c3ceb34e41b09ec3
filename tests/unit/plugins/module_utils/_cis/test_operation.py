# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis.definitions import ALL
from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Explanation
from ansible_collections.rampart.k8s.plugins.module_utils._cis.operation import Benchmark
from ansible_collections.rampart.k8s.plugins.module_utils._cis.order import Order
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError


class EmptyApi:
    """An API without any object."""

    def list_all(self, path: str, *, query: Mapping[str, Any] | None = None) -> tuple[list[Any], str]:
        return [], ""

    def call(self, method: str, path: str, *, query: Any = None, body: Any = None) -> dict[str, Any]:
        return {}

    def map(self, function: Any, items: Any) -> list[Any]:
        return [function(one) for one in items]


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order for the API only: 5.4.2 warns there, and 5.7.4 passes."""
    ids = {"policies": ["5.4.2", "5.7.4"]}
    (tmp_path / "cis").mkdir()
    for number, target in enumerate(ALL):
        checks = [{"id": one, "text": f"Ensure {one}"} for one in ids.get(target, [f"{number}.1.1"])]
        (tmp_path / f"cis/{target}.yaml").write_text(yaml.safe_dump({"groups": [{"checks": checks}]}))
    return Order(
        KubeBench("/nowhere/kube-bench", tmp_path, "cis", 1.0),
        targets=(),
        cluster_root=None,
        files={},
        paths={},
        explanations={"5.4.2": Explanation("none is needed", "the owner")},
        trusted_subjects=(),
        system_namespaces=(),
        report_paths=(str(tmp_path / "report.md"),),
        report_only=False,
        check_mode=False,
    )


def reported(order: Order) -> Path:
    return Path(order.report_paths[0])


def test_the_gate_opens_and_the_report_is_written_once(order: Order) -> None:
    benchmark = Benchmark(order, EmptyApi)
    plan = benchmark.plan()
    assert plan.changed
    assert not reported(order).exists()
    assert benchmark.apply(plan).result["passed"]
    assert "none is needed" in reported(order).read_text(encoding="utf-8")
    again = Benchmark(order, EmptyApi).plan()
    assert not again.changed
    assert again.reason == "1 PASS, 0 FAIL, 1 WARN, 0 NOT APPLICABLE"


def test_a_shut_gate_leaves_its_report_behind(order: Order) -> None:
    shut = replace(order, explanations={})
    benchmark = Benchmark(shut, EmptyApi)
    plan = benchmark.plan()
    with pytest.raises(RampartError, match=r"5\.4\.2 Ensure 5\.4\.2: no external store") as caught:
        benchmark.apply(plan)
    assert caught.value.details["passed"] is False
    assert [violation["id"] for violation in caught.value.details["violations"]] == ["5.4.2"]
    assert "What keeps the gate shut" in reported(order).read_text(encoding="utf-8")
    # The report is right now, and the gate stays shut all the same.
    with pytest.raises(RampartError):
        Benchmark(shut, EmptyApi).plan()


def test_check_mode_judges_and_writes_nothing(order: Order) -> None:
    with pytest.raises(RampartError, match="are violated"):
        Benchmark(replace(order, explanations={}, check_mode=True), EmptyApi).plan()
    assert Benchmark(replace(order, check_mode=True), EmptyApi).plan().changed
    assert not reported(order).exists()


def test_report_only_tells(order: Order) -> None:
    benchmark = Benchmark(replace(order, explanations={}, report_only=True), EmptyApi)
    plan = benchmark.apply(benchmark.plan())
    assert plan.result["passed"] is False
    assert plan.result["table"][-1] == "1 PASS, 0 FAIL, 1 WARN, 0 NOT APPLICABLE"


def unmade() -> EmptyApi:
    raise MissingKubeconfigError("There is no kubeconfig /nowhere.")


def test_without_a_cluster_only_check_mode_goes_on(order: Order) -> None:
    with pytest.raises(RampartError, match="no kubeconfig"):
        Benchmark(order, unmade).plan()
    plan = Benchmark(replace(order, check_mode=True), unmade).plan()
    assert not plan.changed
    assert "passed" not in plan.result


def test_components_that_do_not_run_are_named(order: Order) -> None:
    stopped = replace(order, targets=("node", "etcd"), cluster_root="/nowhere/at/all")
    with pytest.raises(RampartError, match="do not run: etcd, kubelet"):
        Benchmark(stopped, EmptyApi).plan()


def test_a_report_without_a_format_is_refused_before_anything_is_asked(order: Order) -> None:
    with pytest.raises(RampartError, match="has no format"):
        Benchmark(replace(order, report_paths=("/tmp/report",)), unmade)
