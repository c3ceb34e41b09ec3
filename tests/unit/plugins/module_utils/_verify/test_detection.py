# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Silence is an alarm, a false alarm too, and why nothing arrived is found in the detector's own words."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._verify import detection, detectors
from ansible_collections.rampart.k8s.plugins.module_utils._verify.alert_sink import (
    Heard,
    QueueFolder,
    WebHook,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.detection import Act, Stand
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

STAND = Stand("node-1", "dev", "rampart-detection-ab12cd-0")


def alert(rule: str, pod: str = STAND.pod, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "output": "...", "output_fields": {"k8s.pod.name": pod, "evt.time": 5, **more}}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def post(port: int, body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", "/", body)
    return connection.getresponse().status


def test_a_web_hook_hears_alerts_and_outlives_nonsense() -> None:
    port = free_port()
    with WebHook("127.0.0.1", port) as sink:
        assert post(port, b"no json") == 200
        assert post(port, b"[1]") == 200
        assert sink.wait(lambda _one: True, 0.05) is None
        post(port, json.dumps(alert("Shell")).encode())
        heard = sink.wait(lambda one: one.alert["rule"] == "Shell", 5)
        assert heard is not None
        assert heard.at > 0
        assert sink.wait(lambda one: one.alert["rule"] == "Other", 0.05) is None
        with pytest.raises(RampartError, match=f"Nobody can listen for alerts at 127.0.0.1:{port}"):
            WebHook("127.0.0.1", port).__enter__()


def test_a_queue_keeps_what_is_not_ours_and_does_not_hear_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(alert("Old")))
    with QueueFolder(tmp_path, STAND.about) as sink:
        (tmp_path / "ours.json").write_text(json.dumps(alert("Shell")))
        (tmp_path / "theirs.json").write_text(json.dumps(alert("Shell", pod="web")))
        (tmp_path / ".part").write_text("{")
        (tmp_path / "broken.json").write_text("{")
        assert sink.wait(lambda one: STAND.about(one.alert), 5) is not None
        assert [one.alert["rule"] for one in sink.heard()] == ["Shell", "Shell"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        ".part",
        "broken.json",
        "old.json",
        "theirs.json",
    ]


def test_no_queue_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="There is no folder"):
        QueueFolder(tmp_path / "none", STAND.about).__enter__()


def test_an_alert_is_about_a_probe_by_its_pod_or_by_its_text() -> None:
    assert STAND.about(alert("x"))
    assert not STAND.about(alert("x", pod="web"))
    assert STAND.about({"rule": "x", "output": f"in {STAND.pod}", "output_fields": {}})
    assert not STAND.about({"rule": "x", "output": "in web", "output_fields": None})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"command": [], "rule": "x"}], "has no command"),
        ([{"command": ["true"], "rule": ""}], "silence would pass"),
        ([{"command": ["sh"], "rule": "x"}], "cries at everything would pass"),
    ],
)
def test_what_would_prove_nothing_is_refused(given: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(RampartError, match=said):
        detection.acts(given)


def test_nothing_but_the_heartbeat_is_enough() -> None:
    assert detection.acts([]) == []


@pytest.mark.parametrize("listen", ["9801", ":9801", "host:", "host:0", "host:x", "host:65536"])
def test_an_address_is_whole(listen: str) -> None:
    with pytest.raises(RampartError, match="is no HOST:PORT"):
        detection.address(listen)


def test_addresses_are_split() -> None:
    assert detection.address("192.0.2.7:9801") == ("192.0.2.7", 9801)
    assert detection.address("[2001:db8::1]:80") == ("2001:db8::1", 80)


def gate(**given: Any) -> detection.DetectionVerify:
    parameters = {"report_only": False, "evidence_dir": None, "heartbeat_rule": "Heartbeat", **given}

    return detection.DetectionVerify(parameters, Redactor(), check_mode=False)


def test_where_nobody_can_hear_nothing_is_proved() -> None:
    deaf = gate(expectations=[], listen=None, queue=None)
    (proof,) = deaf.prove(cast(Client, None))
    assert proof.verdict is Verdict.NOT_PROVEN


def test_a_false_alarm_about_the_probe_breaks_the_proof() -> None:
    acts = [Act(("cat", "/etc/hosts"))]
    heard = [Heard(alert("Heartbeat"), 20), Heard(alert("Shell", pod="web"), 20), Heard(alert("Shell"), 5)]
    assert gate()._quiet(heard, STAND, acts, 10).verdict is Verdict.HELD
    broken = gate()._quiet([*heard, Heard(alert("Shell"), 20)], STAND, acts, 10)
    assert str(broken) == "'cat /etc/hosts' raises no alert: false alarm of 'Shell'"


def node(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}, "spec": spec}


def detector(node_name: str, ready: bool) -> dict[str, Any]:
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
    return {
        "metadata": {"namespace": "falco", "name": f"falco-{node_name}"},
        "spec": {"nodeName": node_name, "containers": [{"name": "engine"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [] if ready else [waiting],
        },
    }


class Cluster:
    """Holds nodes and detectors."""

    def __init__(self, nodes: list[dict[str, Any]], pods: list[dict[str, Any]]) -> None:
        self.lists = {detectors.NODES: nodes, "/api/v1/namespaces/falco/pods": pods}

    def list_all(self, path: str, **_query: Any) -> tuple[list[dict[str, Any]], str]:
        return self.lists[path], "1"


def test_a_node_that_nobody_watches_is_named_with_the_reason() -> None:
    cluster = Cluster(
        [node("a"), node("b"), node("c"), node("d", unschedulable=True)],
        [detector("a", True), detector("b", False)],
    )
    found = {one.node: one.trouble for one in detectors.find(cluster, "falco", "app=falco")}  # type: ignore[arg-type]
    assert found == {
        "a": "",
        "b": "Pod falco/falco-b is not ready: CrashLoopBackOff: back-off",
        "c": "no pod with app=falco in the namespace falco runs there",
    }


def test_the_log_tells_lost_from_never_raised() -> None:
    raised = json.dumps(alert("Shell"))
    lost = "an alert did not reach the web hook: Could not connect to server"
    assert "did not raise it" in detectors.read_log(f"{raised}\n", "Pod falco/x", "Other", STAND.pod)
    said = detectors.read_log(f"{raised}\n{lost}\n", "Pod falco/x", "Shell", STAND.pod)
    assert said == f"Pod falco/x raised it, and it got lost on the way: {lost}"


def test_the_time_of_an_event_is_its_nodes() -> None:
    assert detection.event_time(alert("x"), 9) == 5
    assert detection.event_time({"output_fields": {"evt.time": "12:00"}}, 9) == 9
