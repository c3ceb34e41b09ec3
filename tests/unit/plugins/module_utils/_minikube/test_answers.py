# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What minikube 1.38.1 answered, recorded from real runs (fixtures/minikube-1.38.1.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import answers

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "fixtures" / "minikube-1.38.1.json").read_text(encoding="utf-8")
)


def recorded(case: str) -> Completed:
    run = RECORDED[case]
    return Completed(("minikube",), run["rc"], run["stdout"], run["stderr"], 0.1)


@pytest.mark.parametrize(
    ("case", "state"),
    [
        ("status-running", "running"),
        ("status-stopped", "stopped"),
        ("status-container-killed", "stopped"),
        ("status-paused", "degraded"),
        ("status-kubelet-stopped", "degraded"),
        ("status-unknown-profile", "absent"),
        ("status-deleted", "absent"),
        ("status-daemon-down", "unknown"),
    ],
)
def test_a_state_is_read_from_what_is_printed_not_from_the_exit_code(case: str, state: str) -> None:
    assert answers.status(recorded(case)) == state


def test_one_dead_node_of_two_is_not_running() -> None:
    running = json.loads(recorded("status-running").stdout)
    both = json.dumps([running, {**running, "Kubelet": "Stopped"}])
    assert answers.status(Completed(("minikube",), 2, both, "", 0.1)) == "degraded"


def test_a_truncated_status_is_a_failure_and_not_an_absent_profile() -> None:
    cut = recorded("status-running").stdout[:40]
    with pytest.raises(RampartError, match="not whole JSON"):
        answers.status(Completed(("minikube",), 0, cut, "", 0.1))


def test_a_profile_is_found_with_its_settings() -> None:
    there, config = answers.configuration(recorded("profile-list-running-light"), "hold-mk")
    assert there
    assert config is not None
    assert config["KubernetesConfig"]["ServiceCIDR"] == "10.111.0.0/16"


@pytest.mark.parametrize("case", ["profile-list-none", "profile-list-deleted"])
def test_an_unknown_profile_is_not_found(case: str) -> None:
    there, config = answers.configuration(recorded(case), "other")
    assert (there, config) == (False, None)


def test_what_a_failed_start_left_is_there_without_settings() -> None:
    listing = json.dumps({"invalid": [{"Name": "demo", "Status": "", "Config": None}], "valid": None})
    assert answers.configuration(Completed(("minikube",), 0, listing, "", 0.1), "demo") == (True, None)


def test_errors_of_a_start_that_succeeds_have_no_exit_code() -> None:
    seen = list(answers.events(recorded("start-json-restart").stdout))
    assert any(event.kind == "error" for event in seen)
    assert all(event.exit_code is None for event in seen)


def test_lines_that_are_no_events_are_passed_over() -> None:
    assert list(answers.events("WARNING: no blkio weight support\n[]\n{}\n{")) == []


@pytest.mark.parametrize(
    ("case", "name", "said", "step"),
    [
        (
            "start-json-bad-memory",
            "RSRC_INSUFFICIENT_REQ_MEMORY",
            "10MiB is less than",
            "cluster_minikube_memory_mb",
        ),
        ("start-json-bad-driver", "DRV_UNSUPPORTED_OS", "'nope' is not supported", "docker info"),
        ("start-json-kubeadm-failed", "GUEST_START", "mapping values are not allowed", "log"),
    ],
)
def test_a_failure_tells_minikubes_own_reason(case: str, name: str, said: str, step: str) -> None:
    error = answers.failure("start", "demo", recorded(case), "")
    assert f"could not start the profile demo ({name})" in error.message
    assert said in error.message
    assert step in error.next_step
    assert error.details["rc"] == RECORDED[case]["rc"]


def test_a_failure_without_events_tells_what_stands_on_standard_error() -> None:
    error = answers.failure("stop", "demo", Completed(("minikube",), 14, "", "bad flag\n", 0.1), "")
    assert "bad flag" in error.message
    assert "cluster_minikube_" in error.next_step


def test_tokens_of_kubeadm_leave_neither_in_the_reason_nor_in_the_log() -> None:
    token = "abcdef.0123456789abcdef"
    event = {
        "type": "io.k8s.sigs.minikube.error",
        "data": {"exitcode": "80", "message": f"join --token {token}"},
    }
    log = f"E1122 06:20:27.0 failed, join with {token} --certificate-key 4711\n"
    error = answers.failure("start", "demo", Completed(("minikube",), 80, json.dumps(event), "", 0.1), log)
    assert token not in str(error)
    assert token not in str(error.details)
    assert "4711" not in str(error.details)


def test_the_log_shows_errors_before_everything_else() -> None:
    telling = (
        '2026-11-22T06:24:42.1Z stderr F E1122 06:24:42.1 1 run.go:72] "command failed" err="bad cipher"'
    )
    log = f"I1122 06:22:01.1 copying files\n{telling}\nI1122 06:25:01.1 cleaning up"
    assert answers.tail(log) == [telling]


def test_a_log_without_errors_shows_its_end() -> None:
    log = "\n".join(f"I1122 06:22:01.1 step {number}" for number in range(100))
    assert answers.tail(log)[-1].endswith("step 99")
    assert len(answers.tail(log)) == answers.LOG_LINES


def test_an_unknown_exit_code_has_a_next_step() -> None:
    assert answers.next_step(83) == answers.NEXT_STEPS[80]
    assert answers.next_step(99) == answers.NEXT_STEPS[80]
