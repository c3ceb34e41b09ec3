# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real kube-bench on real components: two clusters of one machine, told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis import definitions
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import components, running
from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding
from ansible_collections.rampart.k8s.plugins.module_utils._cis.operation import CHECKS
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.rig import Rig
from tests.rig.rig import _tool

HARD = ("--enable-admission-plugins=AlwaysPullImages", "--request-timeout=10m")
TARGETS = ("master", "etcd", "controlplane")


@pytest.fixture(scope="module")
def rigs() -> Iterator[tuple[Rig, Rig]]:
    """Run a cluster that pulls always, and one that does not."""
    with Rig(api_flags=HARD[:1]) as strict, Rig(api_flags=HARD[1:]) as plain:
        yield strict, plain


@pytest.fixture(scope="module")
def bench() -> KubeBench:
    program = Path(_tool("kube-bench"))
    return KubeBench(str(program), program.parent.parent / "share/kube-bench/cfg", "cis-1.10", 120.0)


def ask(bench: KubeBench, rig: Rig) -> dict[str, Finding]:
    return bench.run(
        TARGETS, components(str(rig.folder), running()), {}, {"/etc/kubernetes": str(rig.folder)}
    )


def test_two_clusters_of_a_machine_are_told_apart(bench: KubeBench, rigs: tuple[Rig, Rig]) -> None:
    strict, plain = (ask(bench, rig) for rig in rigs)
    assert (strict["1.2.11"].status, plain["1.2.11"].status) == ("PASS", "WARN")
    assert "AlwaysPullImages" in strict["1.2.11"].evidence[0]
    assert "(--enable-admission-plugins is not set)" in plain["1.2.11"].evidence[0]
    # Both etcds speak plain http.
    assert (strict["2.1"].status, plain["2.1"].status) == ("FAIL", "FAIL")


def test_every_control_is_answered_by_somebody(bench: KubeBench, rigs: tuple[Rig, Rig]) -> None:
    asked = ask(bench, rigs[0])
    for target in TARGETS:
        assert {control.id for control in bench.controls(target)} <= set(asked)
    assert {control.id for control in bench.controls("policies")} <= set(CHECKS)


def test_all_definitions_are_understood(bench: KubeBench) -> None:
    """No check is left that would look for processes by their names."""
    for text in definitions.render(bench.folder, bench.benchmark, definitions.TARGETS, {}, {}).values():
        for check in definitions.checks(yaml.safe_load(text)):
            assert not re.search(r"\bps -(ef|fC)", str(check.get("audit")))


def benchmark(rig: Rig, bench: KubeBench, **more: Any) -> dict[str, Any]:
    asked = {
        "kubeconfig": str(rig.kubeconfig),
        "kube_bench": bench.program,
        "definitions": str(bench.folder),
        "cluster_root": str(rig.folder),
        "targets": ["controlplane", "etcd"],
    }
    return call("cis_benchmark", {**asked, **more})


def test_the_gate_is_shut_and_says_why(bench: KubeBench, rigs: tuple[Rig, Rig], tmp_path: Path) -> None:
    report = tmp_path / "cis.json"
    answer = benchmark(rigs[1], bench, report_paths=[str(report)])
    assert answer["failed"]
    assert answer["passed"] is False
    assert "2.1 Ensure that the --cert-file and --key-file arguments are set" in answer["msg"]
    assert {"2.1", "5.3.1"} <= {violation["id"] for violation in answer["violations"]}
    assert '"passed": false' in report.read_text(encoding="utf-8")


def test_report_only_gives_the_verdict_as_data(bench: KubeBench, rigs: tuple[Rig, Rig]) -> None:
    answer = benchmark(rigs[1], bench, report_only=True)
    assert not answer.get("failed")
    assert not answer["changed"]
    assert answer["passed"] is False
    assert sum(answer["counts"].values()) == len(answer["controls"])


def test_a_component_that_does_not_run_shuts_the_gate(bench: KubeBench, rigs: tuple[Rig, Rig]) -> None:
    answer = benchmark(rigs[0], bench, targets=["node"], report_only=True)
    assert answer["failed"]
    assert answer["missing"] == ["kubelet"]
