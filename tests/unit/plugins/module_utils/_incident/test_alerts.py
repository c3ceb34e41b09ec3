# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pod an alert is about, and how bad it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._incident.alerts import Alert, read
from ansible_collections.rampart.k8s.plugins.module_utils._incident.alerts_operation import IncidentAlerts
from ansible_collections.rampart.k8s.plugins.module_utils._incident.severity import contains, investigates

FALCO: dict[str, Any] = {
    "rule": "Terminal shell in container",
    "priority": "Critical",
    "time": "2026-11-28T08:00:00.000000000Z",
    "output": "A shell was spawned (user=root)",
    "output_fields": {"k8s.ns.name": "prod", "k8s.pod.name": "backend-1"},
}
AUDIT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "verb": "create",
    "requestReceivedTimestamp": "2026-11-28T08:00:00.000000Z",
    "user": {"username": "jane"},
    "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "dev", "name": "agent-1"},
}
BY_TOKEN = {
    **AUDIT,
    "user": {
        "username": "system:serviceaccount:prod:backend",
        "extra": {"authentication.kubernetes.io/pod-name": ["backend-1"]},
    },
    "objectRef": {"resource": "secrets", "namespace": "kube-system", "name": "root"},
}


def alert(said: Any) -> Alert:
    return read(said if isinstance(said, str) else json.dumps(said), "alert.json")


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("Emergency", "critical"),
        ("ERROR", "high"),
        ("Warning", "medium"),
        ("Notice", "low"),
        ("Debug", "low"),
    ],
)
def test_an_alert_of_falco_names_its_pod_and_how_bad_it_is(priority: str, severity: str) -> None:
    found = alert({**FALCO, "priority": priority})
    assert (found.namespace, found.pod, found.severity) == ("prod", "backend-1", severity)
    assert found.title == "Terminal shell in container"


def test_an_audit_event_is_about_its_pod_or_about_the_one_that_caused_it() -> None:
    assert (alert(AUDIT).namespace, alert(AUDIT).pod) == ("dev", "agent-1")
    assert alert(AUDIT).title == "create pods exec of agent-1"
    assert (alert(BY_TOKEN).namespace, alert(BY_TOKEN).pod) == ("prod", "backend-1")
    assert alert(BY_TOKEN).severity == "high"


def test_the_same_trouble_is_the_same_incident() -> None:
    assert alert(FALCO).id == alert({**FALCO, "time": "2026-11-28T09:00:00Z"}).id
    assert alert(FALCO).id != alert({**FALCO, "rule": "Another"}).id


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no object"),
        ({}, "neither an alert of Falco"),
        ({**FALCO, "priority": "Urgent"}, "nobody knows the priority 'Urgent'"),
        ({**FALCO, "output_fields": None}, "it has no output_fields"),
        ({**FALCO, "output_fields": {"k8s.ns.name": "prod"}}, "it names no pod"),
        ({**FALCO, "output_fields": {"k8s.ns.name": "../x", "k8s.pod.name": "p"}}, "it names no namespace"),
        ({**AUDIT, "objectRef": {"resource": "nodes", "name": "n"}}, "it is about no pod"),
        ({**AUDIT, "objectRef": "pods", "user": []}, "it is about no pod"),
    ],
)
def test_what_cannot_be_understood_is_an_error(said: Any, why: str) -> None:
    with pytest.raises(RampartError, match=why) as error:
        alert(said)
    assert "Nothing was touched" in str(error.value)


def test_a_queue_is_read_as_a_whole_and_a_pod_counts_once(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps({**FALCO, "priority": "Notice"}))
    (tmp_path / "2.json").write_text(json.dumps(FALCO))
    (tmp_path / "3.json").write_text(json.dumps(BY_TOKEN))
    (tmp_path / "ignored.txt").write_text("{")
    result = IncidentAlerts({"path": str(tmp_path)}).plan().result
    assert [one["severity"] for one in result["alerts"]] == ["critical"]
    assert len(result["files"]) == 3
    (tmp_path / "4.json").write_text("{")
    with pytest.raises(RampartError, match=r"4\.json"):
        IncidentAlerts({"path": str(tmp_path)}).plan()


def test_a_queue_may_be_empty_but_a_file_must_be_there(tmp_path: Path) -> None:
    assert IncidentAlerts({"path": str(tmp_path)}).plan().result["alerts"] == []
    with pytest.raises(RampartError, match="cannot be read"):
        IncidentAlerts({"path": str(tmp_path / "none.json")}).plan()


def test_only_what_is_high_is_cut_off() -> None:
    assert [contains(one) for one in ("low", "medium", "high", "critical")] == [False, False, True, True]
    assert [investigates(one) for one in ("low", "medium", "high", "critical")] == [False, True, True, True]
