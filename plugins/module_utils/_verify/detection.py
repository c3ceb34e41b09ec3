# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Proves that what is forbidden is noticed: it is done in a real pod, and the alert has to arrive."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.shell import Shell
from ansible_collections.rampart.k8s.plugins.module_utils._kube.tunnel import TunnelError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import detectors, objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.alert_sink import (
    Heard,
    QueueFolder,
    Sink,
    WebHook,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.detectors import Detector
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

PREFIX = "rampart-detection-"
# What the rule of the heartbeat looks for among the arguments of a program.
BEAT = "rampart-heartbeat"
# A shell's codes for a program that is not there or cannot be run.
NO_PROGRAM = (126, 127)
MILLION = 1_000_000
NO_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that is done in a probe, and the rule that must notice it; no rule when it is harmless."""

    command: tuple[str, ...]
    rule: str = ""

    def __str__(self) -> str:
        words = " ".join(self.command)
        words = words if len(words) <= 60 else f"{words[:57]}..."
        return (
            f"{words!r} is noticed by the rule {self.rule!r}" if self.rule else f"{words!r} raises no alert"
        )


@dataclass(frozen=True, slots=True)
class Stand:
    """A probe on a node."""

    node: str
    namespace: str
    pod: str

    def about(self, alert: Mapping[str, Any]) -> bool:
        """Say whether an alert is about this probe."""
        fields = alert.get("output_fields") or {}
        named = fields.get("k8s.pod.name") if isinstance(fields, dict) else None
        return named == self.pod if named else self.pod in json.dumps(alert)


def acts(given: Sequence[Mapping[str, Any]]) -> list[Act]:
    """Read the option; what nobody could judge is refused."""
    found = [Act(tuple(item["command"]), item["rule"]) for item in given]
    if any(not act.command for act in found):
        raise RampartError("An expectation has no command.", next_step="say what is to be done in the pod")
    if found and not any(act.rule for act in found):
        raise RampartError(
            "No expectation names a rule, so that silence would pass.",
            next_step="name what must be noticed, too",
        )
    if found and all(act.rule for act in found):
        raise RampartError(
            "Every expectation names a rule, so that a detector that cries at everything would pass.",
            next_step="add something harmless, without a rule",
        )
    return found


def address(listen: str) -> tuple[str, int]:
    """Split HOST:PORT."""
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdigit() and 0 < int(port) < 65536):
        raise RampartError(f"{listen!r} is no HOST:PORT.", next_step="write it like 192.0.2.7:9801")
    return host.strip("[]"), int(port)


def pod(stand: Stand, image: str) -> dict[str, Any]:
    """Return a probe that does nothing by itself, with a folder below /etc that it may write to."""
    container = objects.restricted_container(
        image,
        ["sleep", str(objects.LIFETIME)],
        volumeMounts=[{"name": "etc", "mountPath": "/etc/rampart-probe"}],
    )
    spec = objects.restricted_spec(
        container,
        automountServiceAccountToken=False,
        nodeSelector={"kubernetes.io/hostname": stand.node},
        tolerations=[{"operator": "Exists"}],
        volumes=[{"name": "etc", "emptyDir": {"sizeLimit": "1Mi"}}],
    )
    return objects.pod(stand.pod, stand.namespace, spec)


class DetectionVerify(ProofGate):
    """Every node's detector has to tell of a heartbeat, and one of them of all that is forbidden."""

    name = "detection_verify"
    control = "detection"
    claim = "that what is forbidden is noticed"

    def outline(self, client: Client) -> str:
        """Count what would be done."""
        nodes = detectors.nodes(client)
        return (
            f"{len(acts(self.parameters['expectations']))} acts and a heartbeat on each of {len(nodes)} nodes"
        )

    def prove(self, client: Client) -> list[Proof]:
        """Look who watches, then give them something to see."""
        wanted = acts(self.parameters["expectations"])
        if not (self.parameters["listen"] or self.parameters["queue"]):
            return [
                Proof("alerts arrive", Verdict.NOT_PROVEN, True, "nobody says where: no listen, no queue")
            ]
        found = detectors.find(
            client, self.parameters["detector_namespace"], self.parameters["detector_selector"]
        )
        watched = [one for one in found if not one.trouble]
        proofs = [
            Proof(f"node {one.node} is watched", Verdict.BROKEN, True, one.trouble)
            for one in found
            if one.trouble
        ]
        if not watched:
            return proofs or [Proof("somebody watches", Verdict.BROKEN, True, "this cluster has no nodes")]
        with Bench(client, [self.parameters["namespace"]]) as bench:
            stands = {
                one.node: Stand(one.node, self.parameters["namespace"], f"{PREFIX}{bench.run}-{number}")
                for number, one in enumerate(watched)
            }
            with self._sink(list(stands.values())) as sink:
                self._milliseconds: dict[str, int] = {}
                proofs += self._tried(bench, sink, stands, watched, wanted)
        self.more = {"milliseconds": self._milliseconds}
        return proofs

    def _sink(self, stands: Sequence[Stand]) -> Sink:
        if self.parameters["queue"]:
            folder = Path(self.parameters["queue"])
            return QueueFolder(folder, lambda alert: any(stand.about(alert) for stand in stands))
        return WebHook(*address(self.parameters["listen"]))

    def _tried(
        self,
        bench: Bench,
        sink: Sink,
        stands: Mapping[str, Stand],
        watched: Sequence[Detector],
        wanted: Sequence[Act],
    ) -> Iterator[Proof]:
        image, timeout = self.parameters["image"], self.parameters["timeout"]
        bench.create([pod(stand, image) for stand in stands.values()])
        full = {f"{stand.namespace}/{stand.pod}": node for node, stand in stands.items()}
        running, waiting = bench.wait("/api/v1/pods", full, objects.runs, timeout)
        for name, item in waiting.items():
            why = objects.trouble(item) or "it did not start in time"
            yield Proof(f"node {full[name]}: the probe {name}", Verdict.NOT_PROVEN, True, why)
        up = [one for one in watched if one.node in {full[name] for name in running}]
        if not up:
            return
        first = stands[up[0].node]
        begun = time.time_ns()
        # What is harmless comes first: once the heartbeat is heard, an alert about it would have come, too.
        harmless = [act for act in wanted if not act.rule]
        yield from (
            proof for act in harmless for proof in self._unable(act, self._do(bench.client, first, act))
        )
        beat = Act(("true", f"{BEAT}-{bench.run}"), self.parameters["heartbeat_rule"])
        beats = [self._noticed(bench.client, sink, stands[one.node], one, beat) for one in up]
        yield from beats
        if harmless and beats[0].verdict is Verdict.HELD:
            yield self._quiet(sink.heard(), first, harmless, begun)
        for act in wanted:
            if act.rule:
                yield self._noticed(bench.client, sink, first, up[0], act)

    def _do(self, client: Client, stand: Stand, act: Act) -> str:
        """Do something in a probe; returns why that was not possible."""
        try:
            done = Shell(client).run(stand.namespace, stand.pod, "probe", act.command, timeout=20.0)
        except TunnelError as error:
            return error.message
        if done.refused or done.code in NO_PROGRAM:
            return done.refused or f"the image has no program {act.command[0]!r}"
        return ""

    def _unable(self, act: Act, why: str) -> Iterator[Proof]:
        if why:
            yield Proof(str(act), Verdict.NOT_PROVEN, bool(act.rule), why)

    def _quiet(self, heard: Sequence[Heard], stand: Stand, harmless: Sequence[Act], begun: int) -> Proof:
        false = sorted(
            {
                str(one.alert.get("rule"))
                for one in heard
                if one.at >= begun
                and stand.about(one.alert)
                and one.alert.get("rule") != self.parameters["heartbeat_rule"]
            }
        )
        claim = "; ".join(map(str, harmless))
        if false:
            return Proof(claim, Verdict.BROKEN, False, f"false alarm of {', '.join(map(repr, false))}")
        return Proof(claim, Verdict.HELD, False)

    def _noticed(self, client: Client, sink: Sink, stand: Stand, detector: Detector, act: Act) -> Proof:
        claim = f"node {stand.node}: {act}"
        begun = time.time_ns()
        if why := self._do(client, stand, act):
            return Proof(claim, Verdict.NOT_PROVEN, True, why)

        def wanted(one: Heard) -> bool:
            return one.at >= begun and one.alert.get("rule") == act.rule and stand.about(one.alert)

        patience = self.parameters["within"]
        heard = sink.wait(wanted, max(0.0, patience - (time.time_ns() - begun) / 1e9))
        if heard is None:
            said = detectors.why_silent(client, detector, act.rule, stand.pod)
            return Proof(claim, Verdict.BROKEN, True, f"no alert arrived within {patience:g} s; {said}")
        took = (heard.at - event_time(heard.alert, begun)) // MILLION
        # Evidence has names without blanks.
        self._milliseconds[f"{NO_NAME.sub('-', act.rule)}@{stand.node}"] = max(0, took)
        return Proof(claim, Verdict.HELD, True)


def event_time(alert: Mapping[str, Any], otherwise: int) -> int:
    """Return when what an alert tells of happened, by the clock of its node."""
    fields = alert.get("output_fields") or {}
    found = fields.get("evt.time") if isinstance(fields, dict) else None
    return found if isinstance(found, int) else otherwise
