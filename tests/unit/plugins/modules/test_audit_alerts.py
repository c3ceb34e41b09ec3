# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alerts of an audit log that is written, rotated, compressed and lost, as Ansible runs the module."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._incident.alerts_operation import IncidentAlerts

from tests.support.modules import call

RULES = """
- rule: Secret read
  desc: d
  source: k8s_audit
  condition: ka.target.resource = secrets and ka.verb = get
  output: >-
    Secret read (user=%ka.user.name name=%ka.target.name groups=%ka.user.groups sub=%ka.target.subresource)
  priority: ERROR
  tags: [b, a]
"""


class Log:
    """An audit log as an API server keeps it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "audit.log"
        self.queue = folder / "queue"
        self._number = 0

    def line(self, **changed: Any) -> str:
        self._number += 1
        event = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "auditID": f"id-{self._number}",
            "verb": "get",
            "requestReceivedTimestamp": "2026-11-28T08:00:00.123456Z",
            "user": {"username": f"user-{self._number}", "groups": ["g", "h"]},
            "objectRef": {"resource": "secrets", "namespace": "dev", "name": "s"},
        }
        return json.dumps(event | changed) + "\n"

    def write(self, text: str) -> None:
        with self.path.open("a") as stream:
            stream.write(text)

    def add(self, **changed: Any) -> None:
        self.write(self.line(**changed))

    def rotate(self, name: str, *, compress: bool = False) -> None:
        old = self.folder / f"audit-{name}.log"
        self.path.rename(old)
        self.path.touch()
        if compress:
            old.with_name(f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
            old.unlink()

    def told(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        files = [{"path": "r.yaml", "content": RULES}]
        arguments = {"log": str(self.path), "queue": str(self.queue), "files": files, **more}
        return call("audit_alerts", arguments, check=check, diff=True)

    def users(self, **more: Any) -> list[str]:
        """Return whom the alerts of a run are about."""
        answer = self.told(**more)
        assert not answer.get("failed"), answer
        return [self.said(each["file"])["output_fields"]["ka.user.name"] for each in answer["alerts"]]

    @staticmethod
    def said(file: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(Path(file).read_text())
        return said


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path)
    made.path.touch()
    return made


def test_an_alert_is_worded_as_falco_words_it(log: Log) -> None:
    log.add()
    log.add(verb="list")
    (alert,) = log.told()["alerts"]
    time = "2026-11-28T08:00:00.123456000Z"
    assert log.said(alert["file"]) == {
        "time": time,
        "rule": "Secret read",
        "priority": "Error",
        "source": "k8s_audit",
        "output": f"{time}: Error Secret read (user=user-1 name=s groups=(g,h) sub=<NA>)",
        "output_fields": {
            "ka.user.name": "user-1",
            "ka.target.name": "s",
            "ka.user.groups": "(g,h)",
            "ka.target.subresource": None,
            "evt.time.iso8601": time,
            "ka.auditid": "id-1",
            "k8s.ns.name": None,
            "k8s.pod.name": None,
        },
        "tags": ["a", "b"],
    }


def test_check_mode_says_what_a_run_tells_and_writes_nothing(log: Log) -> None:
    log.add()
    would = log.told(check=True)
    assert (would["changed"], log.queue.exists()) == (True, False)
    did = log.told()
    assert did["alerts"] == would["alerts"]
    again = log.told()
    assert (again["changed"], again["alerts"], again["lines"]) == (False, [], 0)


def test_each_event_is_told_once_over_all_rotations(log: Log) -> None:
    log.add()
    assert log.users() == ["user-1"]
    log.add()
    log.rotate("2026-11-28T08-00-00.000")
    log.add()
    assert log.users() == ["user-2", "user-3"]
    log.add()
    log.rotate("2026-11-28T09-00-00.000", compress=True)
    log.add()
    log.rotate("2026-11-28T10-00-00.000")
    assert log.users() == ["user-4", "user-5"]
    log.add()
    assert log.users() == ["user-6"]
    assert log.users() == []


def test_a_line_that_is_half_written_is_told_when_it_is_whole(log: Log) -> None:
    line = log.line()
    log.write(line[:50])
    assert log.users() == []
    log.write(line[50:-1])
    assert log.users() == []
    log.write(line[-1:])
    assert log.users() == ["user-1"]


def test_the_rest_is_told_by_the_next_run(log: Log) -> None:
    for _unused in range(3):
        log.add()
    answer = log.told(most=2)
    assert (len(answer["alerts"]), answer["more"]) == (2, True)
    assert log.users(most=2) == ["user-3"]


def test_lines_that_are_gone_are_not_passed_over_in_silence(log: Log) -> None:
    log.add()
    log.told()
    log.path.unlink()
    log.add()
    answer = log.told()
    assert (answer["lost"], len(answer["alerts"])) == (True, 1)
    assert "rotated away before anybody read them" in answer["reason"]


def test_a_line_that_is_no_event_is_counted(log: Log) -> None:
    log.write("nonsense\n{}\n")
    log.add()
    answer = log.told()
    assert (answer["unreadable"], answer["lines"], len(answer["alerts"])) == (2, 3, 1)


def test_a_run_that_was_killed_before_its_bookmark_tells_nothing_twice(log: Log) -> None:
    log.add()
    (alert,) = log.told()["alerts"]
    (log.queue / ".audit-bookmark").unlink()
    assert log.users() == []
    # The same when the incident has been answered already.
    (log.queue / "done").mkdir()
    os.rename(alert["file"], log.queue / "done" / Path(alert["file"]).name)
    (log.queue / ".audit-bookmark").unlink()
    assert log.users() == []


def test_a_credential_in_an_event_is_withheld(log: Log) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
    log.add(user={"username": f"Bearer {token}"})
    (alert,) = log.told()["alerts"]
    assert token not in Path(alert["file"]).read_text()


@pytest.mark.parametrize(
    ("event", "pod"),
    [
        (
            {
                "user": {
                    "username": "system:serviceaccount:prod:backend",
                    "extra": {"authentication.kubernetes.io/pod-name": ["backend-1"]},
                }
            },
            ("prod", "backend-1"),
        ),
        ({}, None),
    ],
)
def test_an_incident_is_made_of_it(log: Log, event: dict[str, Any], pod: tuple[str, str] | None) -> None:
    log.add(**event)
    log.told()
    read = IncidentAlerts({"path": str(log.queue)}).plan().result
    (found,) = read["alerts"] if pod else read["others"]
    assert (found["severity"], found["source"]) == ("high", "audit")
    assert (found["namespace"], found["pod"]) == (pod or ("", ""))
    assert "user-1" in found["title"] or pod


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"most": 0}, "most is below 1"),
        ({"files": [{"path": "x", "content": "- rule: R\n"}]}, "The rules are wrong"),
        ({"files": [{"path": "x", "content": RULES.replace("k8s_audit", "syscall")}]}, "The rules are wrong"),
        (
            {"files": [{"path": "x", "content": RULES + "  enabled: false\n"}]},
            "No rule about k8s_audit is on",
        ),
        ({"log": "none.log"}, "There is no audit log"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_touched(
    log: Log, changed: dict[str, Any], why: str
) -> None:
    log.add()
    answer = log.told(**changed)
    assert why in answer["msg"]
    assert not log.queue.exists()


def test_a_bookmark_that_nobody_understands_stops_it(log: Log) -> None:
    log.queue.mkdir()
    (log.queue / ".audit-bookmark").write_text("x")
    assert "cannot be understood" in log.told()["msg"]
