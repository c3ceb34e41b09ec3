# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An earlier proof stands only for what was proved, only for a while, and only in a store that is whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence import record, store
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import observe
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import Cluster
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
HELD = (Proof("a packet is refused", Verdict.HELD, True), Proof("a packet arrives", Verdict.HELD, False))


class Toy(ProofGate):
    """Proves what it is told."""

    name = "network_verify"
    control = "network"
    claim = "packets"
    proofs: tuple[Proof, ...] = HELD
    troubles: tuple[RampartError, ...] = ()
    proved = 0

    def depends_on(self, cluster: Cluster) -> dict[str, Any] | None:
        return cluster.contents([POLICIES])

    def outline(self, _client: Client) -> str:
        return "two packets"

    def prove(self, _client: Client) -> list[Proof]:
        for trouble in self.troubles:
            raise trouble
        self.proved += 1
        return list(self.proofs)


class Blind(Toy):
    """Cannot see what its proof depends on."""

    def depends_on(self, _cluster: Cluster) -> None:
        return None


class Bench:
    """Runs the gate on one cluster with one store."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.gate: type[Toy] = Toy
        self.redactor = Redactor()

    @property
    def records(self) -> list[str]:
        return [each.record.verdict for each in EvidenceStore(self.folder).verify().records]

    def run(self, *, check: bool = False, **changes: Any) -> tuple[Plan, bool]:
        """Return the answer, and whether it was proved now."""
        parameters = {
            "definitions": ["deny all"],
            "report_only": True,
            "allow_not_proven": False,
            "evidence_dir": str(self.folder),
            "evidence_play": {"host": "local", "job": ""},
            "max_age": 3600,
            "cluster_root": None,
            "kubeconfig": "/somewhere",
            **changes,
        }
        made = self.gate(parameters, self.redactor, check_mode=check)
        return made._recorded(self.cluster), made.proved > 0


@pytest.fixture
def bench(cluster: Any, tmp_path: Path) -> Bench:
    return Bench(cluster, tmp_path / "evidence")


def test_an_unchanged_cluster_is_not_proved_again(bench: Bench) -> None:
    first, proved = bench.run()
    assert proved
    assert first.result["evidence"] == "security_7y:1"
    assert not first.result["reused"]

    second, proved = bench.run()
    assert not proved
    assert second.result == {**first.result, "reused": True}
    stored = EvidenceStore(bench.folder).verify().records[0].record
    assert second.reason == (
        f"proved at {stored.time} by evidence record security_7y:1; nothing it depends on has changed since"
    )
    assert stored.play == {"host": "local"}
    assert stored.subject.name == "uid-1"
    assert stored.tools["kubernetes"] == "v1.36.3"
    assert bench.records == ["passed"]


@pytest.mark.parametrize(
    "change",
    [
        lambda cluster: cluster.lists[POLICIES].clear(),
        lambda cluster: cluster.lists[POLICIES][0]["spec"].update(policyTypes=["Ingress"]),
        lambda cluster: cluster.lists[observe.NODES][0]["status"]["nodeInfo"].update(bootID="boot-2"),
        lambda cluster: cluster.lists[observe.SERVERS[0]][0]["spec"].update(holderIdentity="server-2"),
        lambda cluster: cluster.lists[observe.NAMESPACES][0]["metadata"].update(uid="another cluster"),
    ],
)
def test_a_change_is_proved_afresh(bench: Bench, change: Callable[[Any], Any]) -> None:
    bench.run()
    change(bench.cluster)
    assert bench.run()[1]
    assert not bench.run()[1]


def test_another_definition_is_proved_afresh_and_another_way_to_ask_is_not(bench: Bench) -> None:
    bench.run()
    assert bench.run(definitions=["allow all"])[1]
    assert not bench.run(kubeconfig="/elsewhere", report_only=False)[1]


def test_other_code_is_proved_afresh(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run()
    monkeypatch.setattr(
        "ansible_collections.rampart.k8s.plugins.module_utils._evidence.program.code", lambda: "sha256:0"
    )
    assert bench.run()[1]


def test_what_is_too_old_is_proved_afresh(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    then = (datetime.now(UTC) - timedelta(hours=2)).strftime(record.TIME_FORMAT)
    with monkeypatch.context() as patch:
        patch.setattr(record, "now", lambda: then)
        bench.run()
    assert bench.run()[1]
    assert not bench.run()[1]


def test_without_an_age_everything_is_proved(bench: Bench) -> None:
    bench.run()
    assert bench.run(max_age=0)[1]
    assert bench.records == ["passed", "passed"]


def test_without_a_store_everything_is_proved_and_nothing_recorded(bench: Bench) -> None:
    plan, proved = bench.run(evidence_dir=None)
    assert proved
    assert plan.result["evidence"] == ""
    assert not bench.folder.exists()


def test_a_proof_whose_grounds_cannot_be_seen_is_made_each_time(bench: Bench) -> None:
    bench.gate = Blind
    bench.run()
    assert bench.run()[1]


def test_servers_that_do_not_say_which_process_they_are_are_asked_each_time(bench: Bench) -> None:
    bench.cluster.lists[observe.SERVERS[0]].clear()
    bench.run()
    assert bench.run()[1]


@pytest.mark.parametrize("verdict", [Verdict.BROKEN, Verdict.VACUOUS, Verdict.NOT_PROVEN])
def test_only_a_whole_pass_is_taken_over(
    bench: Bench, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "proofs", (*HELD, Proof("a packet is refused", verdict, True, "it is not")))
    plan, _proved = bench.run(allow_not_proven=True)
    assert plan.result["passed"] is (verdict is Verdict.NOT_PROVEN)
    assert bench.run(allow_not_proven=True)[1]


def test_a_vacuous_gate_stays_shut_and_is_recorded_as_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "proofs", HELD[1:])
    for _twice in range(2):
        plan, proved = bench.run()
        assert proved
        assert not plan.result["passed"]
    assert bench.records == ["failed", "failed"]


def test_a_shut_gate_leaves_its_verdict_before_it_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "proofs", (*HELD, Proof("it is shut", Verdict.BROKEN, True, "it is open")))
    with pytest.raises(RampartError, match="it is shut: it is open") as caught:
        bench.run(report_only=False)
    assert caught.value.details["evidence"] == "security_7y:1"
    (stored,) = EvidenceStore(bench.folder).verify().records
    assert stored.record.verdict == "failed"
    assert stored.record.summary["found"] == ["it is shut: it is open"]


def test_a_gate_that_could_not_be_run_leaves_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Toy, "troubles", (RampartError("No pod could be made."),))
    with pytest.raises(RampartError, match="No pod could be made"):
        bench.run()
    (stored,) = EvidenceStore(bench.folder).verify().records
    assert stored.record.verdict == "error"
    monkeypatch.setattr(Toy, "troubles", ())
    assert bench.run()[1]


def test_a_secret_in_a_violation_is_not_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "correct-horse-battery"
    bench.redactor.add(secret)
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2ln"
    broken = [Proof(f"it says {said}\nand more", Verdict.BROKEN, True) for said in (secret, token)]
    monkeypatch.setattr(Toy, "proofs", tuple(broken))
    bench.run()
    (stored,) = EvidenceStore(bench.folder).verify().records
    assert stored.record.summary["found"] == [
        "it says ******** and more",
        "withheld: it looks like a credential",
    ]


@pytest.mark.parametrize("max_age", [0, 3600])
def test_a_store_that_was_tampered_with_is_named_and_everything_proved_afresh(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, max_age: int
) -> None:
    monkeypatch.setattr(Toy, "proofs", (*HELD, Proof("it is shut", Verdict.BROKEN, True, "it is open")))
    bench.run()
    monkeypatch.setattr(Toy, "proofs", HELD)
    chain = next(bench.folder.glob("security_7y/*.jsonl"))
    chain.write_bytes(chain.read_bytes().replace(b'"failed"', b'"passed"'))
    plan, proved = bench.run(max_age=max_age)
    assert proved
    assert not plan.result["passed"]
    assert plan.result["violations"] == [
        f"the evidence in {bench.folder} is whole: record security_7y:1 (network_verify on uid-1): "
        "its signature does not fit its content"
    ]
    assert plan.result["counts"]["proved"] == 2


def test_a_store_that_breaks_meanwhile_fails_an_open_gate(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    monkeypatch.setattr(EvidenceStore, "latest", lambda *_unused, **_options: None)
    (bench.folder / "head.json").unlink()
    next(bench.folder.glob("security_7y/*.jsonl")).write_text("{}\n")
    with pytest.raises(store.BrokenChainError, match="is broken"):
        bench.run()


def test_a_store_that_cannot_be_written_does_not_hide_the_verdict(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    (bench.folder / "signing.key").chmod(0o644)
    monkeypatch.setattr(Toy, "proofs", (Proof("it is shut", Verdict.BROKEN, True),))
    with pytest.raises(RampartError, match="it is shut") as caught:
        bench.run(definitions=["other"], report_only=False)
    assert "can be read by others" in caught.value.details["evidence_error"]


def test_check_mode_takes_over_what_stands_and_writes_nothing(bench: Bench) -> None:
    plan, proved = bench.run(check=True)
    assert not proved
    assert plan.reason == "would prove two packets"
    assert not bench.folder.exists()
    bench.run()
    plan, proved = bench.run(check=True)
    assert not proved
    assert plan.result["reused"]
    assert bench.records == ["passed"]
