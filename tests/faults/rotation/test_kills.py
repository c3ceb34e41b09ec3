# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault cases of the reliability page, by number: rotations that are killed, stopped or refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import encodings

from tests.support.failpoints import observed
from tests.support.programs import tool
from tests.support.rotated_pair import arguments, generations, killed, whole
from tests.support.rotating import Place, secret

ROOT = Path(__file__).resolve().parents[3]


def test_1_killed_after_the_journal_before_the_value(ready: Place, tmp_path: Path) -> None:
    old = ready.content("db")
    killed(ready, "after journal create", tmp_path, scope="all", rotation_id="the-one")
    assert ready.content("db") == old
    (journal,) = [name for name in ready.secrets() if name.startswith("rampart-rotation-")]
    assert journal == "rampart-rotation-the-one"
    result = ready.rotate(secret("db"))
    assert [(one["id"], one["state"]) for one in result["rotations"]] == [("the-one", "finished")]
    assert ready.content("db") != old
    whole(ready)


def test_2_killed_after_the_secret_before_the_first_rollout(ready: Place, tmp_path: Path) -> None:
    killed(ready, "after stage introduce", tmp_path, scope="all")
    written, before = ready.content("db"), generations(ready)
    assert ready.rotate(secret("db"))["changed"] is True
    assert ready.content("db") == written
    assert generations(ready) == [number + 1 for number in before]
    whole(ready)


def test_4_killed_after_all_rolled_before_the_old_one_is_retired(ready: Place, tmp_path: Path) -> None:
    killed(ready, "after journal finish", tmp_path, scope="all")
    before = generations(ready)
    result = ready.rotate(secret("db"))
    assert result["restarted"] == []
    assert generations(ready) == before
    whole(ready)


@pytest.mark.parametrize(
    "point",
    [
        "before pending",
        "after pending",
        "after previous",
        "after rollout#1",
        "after journal set",
        "before forget rotation-pending",
        "before journal leave",
    ],
)
def test_killed_at_other_places(ready: Place, tmp_path: Path, point: str) -> None:
    killed(ready, point, tmp_path, scope="all", rotation_id="the-one")
    assert not ready.rotate(secret("db"), scope="all", rotation_id="the-one").get("failed")
    whole(ready)
    assert ready.rotate(secret("db"))["changed"] is False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_5_a_signal_in_the_middle_of_rollouts(place: Place, tmp_path: Path, number: signal.Signals) -> None:
    place.rotate(secret("db"))
    workloads = [f"w{index}" for index in range(6)]
    for name in workloads:
        place.deploy(name, "db", replicas=1)
    mark = place.rig.mark()
    place.kubelet.delay = 0.7
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.modules", "secret_rotate", "null", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'collections'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdin
    child.stdin.write(json.dumps(arguments(place, scope="all", max_unavailable="1")))
    child.stdin.close()
    child.stdin = None
    while not any(
        event["verb"] == "patch" and "/deployments/" in event["requestURI"] for event in place.rig.audit(mark)
    ):
        time.sleep(0.05)
        assert child.poll() is None
    asked = time.monotonic()
    child.send_signal(number)
    said, errors = child.communicate(timeout=20)
    assert time.monotonic() - asked < 3
    result = json.loads(said)
    assert result["failed"], errors
    assert f"was interrupted ({number.name}) at phase=rollout " in result["msg"]
    assert "run again to resume" in result["next_step"]
    lease = place.client.get(f"/apis/coordination.k8s.io/v1/namespaces/{place.name}/leases/rampart-rotation")
    assert not lease["spec"].get("holderIdentity")
    rolled = [name for name in workloads if place.deployment(name)["metadata"]["generation"] > 1]
    assert 0 < len(rolled) < 6
    result = place.rotate(secret("db"), max_unavailable="100%")
    assert [one["state"] for one in result["rotations"]] == ["finished"]
    assert len(result["restarted"]) == 6 - len(rolled)
    assert all(place.held(name, "db") == [place.content("db")] for name in workloads)


PROGRAM = """\
import json, sys
asked = json.load(sys.stdin)
with open({log!r}, "a") as log:
    log.write(asked["operation"] + "\\n")
if asked["operation"] == "test":
    print("the new credential is refused", file=sys.stderr)
    sys.exit(3)
print(json.dumps({{"in_use": []}} if asked["operation"] == "usage" else {{}}))
"""


def test_6_a_new_credential_that_the_backend_refuses_touches_nobody(ready: Place, tmp_path: Path) -> None:
    program, log = tmp_path / "backend.py", tmp_path / "log"
    program.write_text(PROGRAM.format(log=str(log)))
    declared = secret("db", backend={"command": {"argv": [sys.executable, str(program)]}})
    old, before = ready.content("db"), generations(ready)
    pending: list[bytes] = []

    def observer(name: str) -> None:
        if name == "after backend set":
            (found,) = [one for one in ready.secrets() if one.startswith("db-next-")]
            pending.append(ready.content(found)["password"])

    with observed(observer):
        results = [ready.rotate(declared, scope="all") for _number in range(2)]
    for result in results:
        assert "refused test for Secret" in result["msg"]
        assert "the new credential is refused" in result["msg"]
        assert result["rollback"] == "verified"
    assert (ready.content("db"), generations(ready)) == (old, before)
    assert len(set(pending)) == 2
    # No key comes from this backend, so it has nothing to issue.
    assert log.read_text().split() == ["check", "set", "test", "unset", "check"] * 2
    whole(ready)


def test_8_a_return_that_fails_too_leaves_both_valid_and_says_what_to_do(
    ready: Place, tmp_path: Path
) -> None:
    old, templates = (
        ready.content("db"),
        [ready.deployment(name)["spec"]["template"] for name in ("api", "web")],
    )
    ready.sick.add("web")

    def observer(name: str) -> None:
        if name == "before stage old":
            raise RampartError("the way back is blocked.")

    with observed(observer):
        result = ready.rotate(secret("db"), scope="all", max_unavailable="100%")
    assert result["rollback"] == "manual"
    assert "Both credentials stay valid" in result["msg"]
    assert "the way back is blocked" in result["msg"]
    assert result["rotations"][0]["state"] == "manual"
    assert all(command in result["msg"] for command in result["commands"])
    for value in (old, ready.content("db")):
        assert not [form for form in encodings(value["password"]) if form in result["_text"]]
    # A person does exactly what is printed.
    ready.sick.clear()
    environment = {
        **os.environ,
        "KUBECONFIG": str(ready.rig.kubeconfig),
        "PATH": f"{tool('kubectl').parent}:{os.environ['PATH']}",
    }
    for command in result["commands"]:
        subprocess.run(["sh", "-ec", command], env=environment, check=True, capture_output=True, timeout=60)
    assert ready.content("db") == old
    assert [ready.deployment(name)["spec"]["template"] for name in ("api", "web")] == templates
    whole(ready)


def test_8_or_the_next_run_returns(ready: Place) -> None:
    old = ready.content("db")
    ready.sick.add("web")

    def observer(name: str) -> None:
        if name == "before stage old":
            raise RampartError("the way back is blocked.")

    with observed(observer):
        assert ready.rotate(secret("db"), scope="all")["rollback"] == "manual"
    ready.sick.clear()
    result = ready.rotate(secret("db"))
    assert result["changed"] is True
    assert [one["state"] for one in result["rotations"]] == ["returned"]
    assert ready.content("db") == old
    whole(ready)
