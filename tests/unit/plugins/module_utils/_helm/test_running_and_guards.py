# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What running pods lack, which images they run, and what binds them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Record, Subject
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore
from ansible_collections.rampart.k8s.plugins.module_utils._helm import (
    guards,
    hardening,
    needs,
    proofs,
    running,
)
from ansible_collections.rampart.k8s.plugins.module_utils._helm.findings import Findings
from ansible_collections.rampart.k8s.plugins.module_utils._helm.running import Known, RunningImage

from tests.support.helm import deployment
from tests.support.layouts import layout

DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HARD = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
    "runAsNonRoot": True,
}
POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "dev", "uid": "u", "labels": {"app": "a"}},
    "spec": {"containers": [{"name": "main", "image": f"r/a@{DIGEST}", "securityContext": HARD}]},
    "status": {"phase": "Running", "containerStatuses": [{"name": "main", "imageID": f"r/a@{DIGEST}"}]},
}


def pod(change: Callable[[dict[str, Any]], Any] = lambda _pod: None) -> dict[str, Any]:
    made = copy.deepcopy(POD)
    change(made)
    return made


def context(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda made: made["spec"]["containers"][0]["securityContext"].update(fields)


def test_a_hardened_pod_lacks_nothing() -> None:
    assert hardening.lacks(pod(), "restricted", read_only_root=True) == []


@pytest.mark.parametrize(
    ("change", "level", "said"),
    [
        (context(privileged=True), "baseline", "is privileged"),
        (context(capabilities={"add": ["SYS_ADMIN"]}), "baseline", "adds SYS_ADMIN"),
        (context(procMount="Unmasked"), "baseline", "unmasked"),
        (lambda made: made["spec"].update(hostPID=True), "baseline", "it has hostPID"),
        (
            lambda made: made["spec"].update(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
            "baseline",
            "volume v is of the host",
        ),
        (
            lambda made: made["spec"]["containers"][0].update(ports=[{"hostPort": 1}]),
            "baseline",
            "a port of the host",
        ),
        (context(allowPrivilegeEscalation=None), "restricted", "may gain privileges"),
        (context(capabilities={}), "restricted", "does not drop all"),
        (context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}), "restricted", "adds capabilities"),
        (context(runAsNonRoot=None), "restricted", "may run as root"),
        (context(runAsUser=0), "restricted", "told to run as root"),
        (context(seccompProfile=None), "restricted", "no seccomp profile"),
        (
            lambda made: made["status"]["containerStatuses"][0].update(user={"linux": {"uid": 0}}),
            "restricted",
            "runs as root, its node says",
        ),
    ],
)
def test_each_lack_is_told(change: Callable[[dict[str, Any]], None], level: str, said: str) -> None:
    (found,) = hardening.lacks(pod(change), level, read_only_root=True)
    assert said in found
    assert hardening.lacks(pod(change), "privileged", read_only_root=True) == []


def test_a_writable_root_is_told_where_it_is_demanded() -> None:
    writable = pod(context(readOnlyRootFilesystem=False))
    assert hardening.lacks(writable, "restricted", read_only_root=False) == []
    assert "root file system" in hardening.lacks(writable, "privileged", read_only_root=True)[0]


@pytest.mark.parametrize(("phase", "starts"), [("Pending", True), ("Running", False), ("Failed", False)])
def test_a_pod_of_which_nobody_knows_yet_what_it_runs_is_still_to_start(phase: str, starts: bool) -> None:
    assert running.starting([{"status": {"phase": "Running"}}, {"status": {"phase": phase}}]) is starts


def test_images_are_compared_by_digest() -> None:
    (found,) = running.images([pod()])
    assert (found.digest, found.wanted) == (DIGEST, DIGEST)
    assert running.judge_images([found], Known(()), (), None, None) == []
    other = RunningImage(f"r/a@{DIGEST}", OTHER, ("p",))
    assert "in place of" in running.judge_images([other], Known(()), (), None, None)[0]
    silent = RunningImage("r/a:1", "", ("p",))
    assert "does not say" in running.judge_images([silent], Known(()), (), None, None)[0]


def record(store: EvidenceStore, gate: str, digest: str, verdict: Any) -> None:
    store.append(Record(gate=gate, subject=Subject("image", "a", digest), verdict=verdict))


def test_the_newest_verdict_on_any_digest_of_an_image_counts(tmp_path: Path) -> None:
    manifest = layout(tmp_path / "a", [{"x": b"1"}])
    source = f"oci:{tmp_path}/a"
    known = Known([source])
    (config,) = known.same(manifest) - {manifest}
    store = EvidenceStore(tmp_path / "evidence")
    found = [RunningImage(f"r/a@{manifest}", config, ("p",))]
    assert "missing" in running.judge_images(found, known, ["image_scan"], store, None)[0]
    record(store, "image_scan", config, "passed")
    assert running.judge_images(found, known, ["image_scan"], store, None) == []
    assert running.unproved_images([f"r/a@{manifest}"], known, ["image_scan"], store, None) == []
    assert "by its digest" in running.unproved_images(["r/a:1"], known, ["image_scan"], store, None)[0]
    record(store, "image_scan", config, "failed")
    assert "is failed" in running.judge_images(found, known, ["image_scan"], store, None)[0]


def test_a_package_counts_as_verified_with_each_of_its_images(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    image = RunningImage(f"r/a@{DIGEST}", DIGEST, ("p",))
    verified = proofs.outcome(Findings("a", "dev", package="b" * 63, images=[image]))
    for subject in (verified.subject, *verified.also):
        store.append(Record(gate="helm_verify", subject=subject, verdict="passed"))
    wanted = (store, "dev", "a", "b" * 63)
    assert proofs.unproved(*wanted, [], None) == []
    assert proofs.unproved(*wanted, [f"r/a@{DIGEST}"], None) == []
    assert "missing" in proofs.unproved(*wanted, [f"r/a@{OTHER}"], None)[0]
    assert "missing" in proofs.unproved(store, "staging", "a", "b" * 63, [], None)[0]


POLICIES = [
    {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}},
    {"spec": {"podSelector": {"matchLabels": {"app": "a"}}, "policyTypes": ["Egress"]}},
]


@pytest.mark.parametrize(
    ("policies", "said"),
    [(POLICIES, []), (POLICIES[:1], ["Pod p: no policy binds its egress"]), ([], ["ingress and egress"])],
)
def test_a_pod_is_bound_on_both_ways(policies: list[dict[str, Any]], said: list[str]) -> None:
    found = guards.unbound(policies, [pod()])
    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


def waiting(reason: str) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}}


@pytest.mark.parametrize(
    ("live", "verdict"),
    [
        ({}, None),
        (waiting("ContainerCreating"), None),
        (waiting("ImagePullBackOff"), "ImagePullBackOff: the node says no more"),
        (waiting("ErrImageNeverPull"), "ErrImageNeverPull: the node says no more"),
        (waiting("CreateContainerError"), ""),
        ({"status": {"containerStatuses": [{"state": {"terminated": {"reason": "StartError"}}}]}}, ""),
    ],
)
def test_a_node_says_whether_an_image_is_there(live: dict[str, Any], verdict: str | None) -> None:
    assert needs.verdict(live) == verdict


def test_images_are_asked_for_as_their_pods_would() -> None:
    item = deployment()
    spec = item["spec"]["template"]["spec"]
    spec["imagePullSecrets"] = [{"name": "key"}]
    spec["containers"][0]["imagePullPolicy"] = "Never"
    spec["serviceAccountName"] = "web"
    (pull,) = needs.pulls([item, item])
    made = needs.pod("a", pull)
    assert made["spec"]["serviceAccountName"] == "web"
    # Policies demand these labels; a Service that looks for the application must not find it.
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "rampart-pull-check"
    assert made["spec"]["imagePullSecrets"] == [{"name": "key"}]
    assert made["spec"]["containers"][0]["imagePullPolicy"] == "Never"
    assert hardening.lacks({**made, "status": {}}, "restricted", read_only_root=True) == []
