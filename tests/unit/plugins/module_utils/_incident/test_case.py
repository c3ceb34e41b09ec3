# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is still to be done about a pod, and what leads back."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._incident import containment, undo
from ansible_collections.rampart.k8s.plugins.module_utils._incident.case import Ask, Case, Seen
from ansible_collections.rampart.k8s.plugins.module_utils._incident.undo import Record

NOW = 1_000_000
LABELS = {"app.kubernetes.io/name": "web", "pod-template-hash": "1"}
ASK = Ask("i1", "dev", "web-1", "high", "", True, False, False, 60, "image")
OPEN = {"metadata": {"name": "open"}, "spec": {"podSelector": {}, "egress": [{}]}}
OF_WEB = {
    "metadata": {"name": "web"},
    "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "web"}}, "ingress": [{}]},
}
NOTHING = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}}}


def pod(labels: dict[str, str], uid: str = "u1") -> dict[str, Any]:
    return {
        "metadata": {"name": "web-1", "namespace": "dev", "uid": uid, "labels": labels},
        "spec": {"serviceAccountName": "web", "volumes": [{"name": "s", "secret": {"secretName": "db"}}]},
    }


def fresh(**more: Any) -> Case:
    deployment = {"spec": {"replicas": 3}}
    seen = Seen(
        NOW, pod(LABELS), "Deployment/web", deployment, policies=(OPEN, OF_WEB, NOTHING), cilium=False
    )
    return Case(ASK, replace(seen, **more))


def contained(case: Case) -> Case:
    """Return how a case looks when all was done."""
    record = case.record()
    policy = containment.network_policy("i1", "dev", record.as_text())
    policy["metadata"] |= {"uid": "p", "creationTimestamp": "2026-11-28T08:00:00Z"}
    item = {"spec": {"replicas": 0}} if record.replicas > 0 else case.seen.workload_item
    return Case(
        case.ask,
        replace(
            case.seen,
            now=NOW + 5,
            pod=pod(case.wanted),
            workload_item=item,
            quarantine=policy,
            job={"metadata": {"uid": "j"}},
            manifest={"files": {}},
            noted=True,
        ),
    )


def test_a_pod_is_cut_off_and_then_nothing_is_left_to_do() -> None:
    case = fresh()
    assert case.todo() == ["evidence", "contain"]
    assert contained(case).todo() == []
    assert contained(case).record() == case.record()


def test_every_label_leads_nowhere_and_comes_back() -> None:
    case = fresh()
    assert case.wanted == {
        "app.kubernetes.io/name": "quarantined",
        "pod-template-hash": "quarantined",
        "rampart.k8s/quarantine": "i1",
    }
    assert case.record().labels == {**LABELS, "rampart.k8s/quarantine": None}
    assert undo.label_patch(case.record())["metadata"]["uid"] == "u1"


def test_a_pod_is_cut_off_only_when_cilium_has_taken_note() -> None:
    done = contained(fresh())
    before, after = (
        {"status": {"identity": {"labels": ["k8s:app=web", *more]}}}
        for more in ([], ["k8s:rampart.k8s/quarantine=i1"])
    )
    assert Case(done.ask, replace(done.seen, endpoint=before)).todo() == ["contain"]
    assert Case(done.ask, replace(done.seen, endpoint=after)).todo() == []


def test_no_policy_holds_in_the_network_of_a_node() -> None:
    case = fresh(cilium=True)
    assert case.seen.pod is not None
    case.seen.pod["spec"]["hostNetwork"] = True
    assert len(case.left_open()) == 1


def test_what_others_still_allow_is_told_where_nothing_denies() -> None:
    assert fresh().left_open() == ["open"]
    attached = Case(replace(ASK, detach=False), fresh().seen)
    assert attached.left_open() == ["open", "web"]
    assert fresh(cilium=True).left_open() == []


@pytest.mark.parametrize(
    ("loss", "todo"),
    [
        ({"manifest": None}, ["evidence"]),
        ({"job": None}, ["contain"]),
        ({"cilium": True}, ["contain"]),
        ({"quarantine": None}, ["contain"]),
        ({"pod": pod({**LABELS, "rampart.k8s/quarantine": "i1"})}, ["contain"]),
    ],
)
def test_what_a_killed_run_left_undone_is_done(loss: dict[str, Any], todo: list[str]) -> None:
    done = contained(fresh())
    assert Case(done.ask, replace(done.seen, **loss)).todo() == todo


def test_an_earlier_run_knows_what_was_before() -> None:
    """A label that came back meanwhile does not make the record forget the first one."""
    done = contained(fresh())
    again = Case(done.ask, replace(done.seen, pod=pod({**done.wanted, "new": "x"})))
    assert again.todo() == ["contain"]
    assert again.record().labels == {**LABELS, "rampart.k8s/quarantine": None, "new": "x"}
    assert again.record().ends == NOW + 60


def test_another_pod_of_the_name_was_never_cut_off() -> None:
    done = contained(fresh())
    other = Case(done.ask, replace(done.seen, pod=pod(LABELS, uid="u2")))
    assert other.todo() == ["contain"]
    assert other.record().uid == "u2"


def test_a_workload_is_scaled_once_and_gets_its_replicas_back() -> None:
    case = Case(replace(ASK, scale_to_zero=True, detach=False), fresh().seen)
    assert case.todo() == ["evidence", "contain", "scale"]
    assert (case.detach, case.record().replicas) == (True, 3)
    assert contained(case).todo() == []
    assert contained(case).record().replicas == 3


def test_tokens_are_revoked_until_the_account_is_younger_than_the_quarantine() -> None:
    old, new = (
        {"metadata": {"name": "web", "creationTimestamp": time}}
        for time in ("2026-01-01T00:00:00Z", "2026-11-28T08:00:01Z")
    )
    case = Case(replace(ASK, renew_account=True), fresh(account=old).seen)
    assert case.todo() == ["evidence", "contain", "revoke"]
    done = contained(case)
    assert done.todo() == ["revoke"]
    assert Case(done.ask, replace(done.seen, account=new)).todo() == []
    assert done.result()["undo"][-1]["undo"].startswith("nothing")


@pytest.mark.parametrize(("severity", "todo"), [("low", ["note"]), ("medium", ["evidence"])])
def test_what_is_not_high_is_not_cut_off(severity: str, todo: list[str]) -> None:
    assert Case(replace(ASK, severity=severity), fresh().seen).todo() == todo


def test_nothing_is_done_about_a_pod_that_has_ended() -> None:
    case = Case(ASK, Seen(NOW, None))
    assert case.todo() == []
    assert case.result()["state"] == "gone"


def test_a_record_that_was_changed_is_no_record() -> None:
    policy = containment.network_policy("i1", "dev", fresh().record().as_text())
    assert Record.of(policy) == fresh().record()
    for text in ("", "{}", "[]", '{"format": 2}', '{"format": 1, "more": 1}'):
        policy["metadata"]["annotations"]["rampart.k8s/undo"] = text
        with pytest.raises(RampartError, match="no record"):
            Record.of(policy)


def test_the_account_may_do_nothing_but_undo() -> None:
    rules = undo.rules(fresh().record())
    assert all(rule["resourceNames"] for rule in rules)
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "delete", "patch"}
    scaled = Case(replace(ASK, scale_to_zero=True), fresh().seen).record()
    assert {name for rule in undo.rules(scaled) for name in rule["resourceNames"]} == {
        "rampart-incident-i1",
        "web-1",
        "web",
    }


KUBECTL = """#!/bin/sh
echo "$@" >>calls
case "$*" in *" get pod "*) printf %s "$UID_NOW";; *" get deployments"*) printf %s "$REPLICAS";; esac
[ "$(wc -l <calls)" -gt 1 ] || exit 1
"""


@pytest.mark.parametrize(("uid", "replicas", "acts"), [("u1", "0", 3), ("u2", "1", 1), ("", "", 1)])
def test_the_job_undoes_in_order_tries_again_and_leaves_others_alone(
    tmp_path: Path, uid: str, replicas: str, acts: int
) -> None:
    """The script itself runs, with a kubectl that fails the first time."""
    record = replace(Case(replace(ASK, scale_to_zero=True), fresh().seen).record(), ends=1)
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o700)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "UID_NOW": uid, "REPLICAS": replicas}
    script = undo.script(record).replace("sleep 5", "sleep 0")
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, check=True, timeout=20)
    calls = (tmp_path / "calls").read_text().splitlines()
    changing = [line for line in calls if any(verb in line for verb in (" patch ", " scale ", " delete "))]
    assert len(changing) == acts
    assert "delete networkpolicy rampart-incident-i1" in changing[-1]
    assert calls[0] == calls[1]
