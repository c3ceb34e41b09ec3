# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what minikube answers: its events, the status of a profile, the list of profiles.

Exit codes say little: the one of `status` is a bit mask, 85 is an unknown profile, and several
commands end with 0 although nothing was done. What is printed decides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

State = Literal["absent", "broken", "stopped", "degraded", "running", "unknown"]

UNKNOWN_PROFILE = 85
LOG_LINES = 30
LOG_WIDTH = 400

# What a person can do, by the exit codes of minikube (pkg/minikube/reason): the tens are the source.
NEXT_STEPS = {
    2: "minikube was interrupted; run again",
    14: "minikube refuses an option; look at the variables cluster_minikube_*",
    20: "give the profile more memory, disk or CPUs (cluster_minikube_memory_mb), or make some free",
    30: "look at the node container's log below",
    40: "the network is away or a proxy is needed; cluster_minikube_air_gapped: true needs no network",
    50: "check the Docker daemon: `docker info` has to work for this user",
    60: "check the Docker daemon: `docker info` has to work for this user",
    70: "another network of this machine has the same addresses; look at `ip route` and `docker network ls`",
    80: "look at the node's log below; after the cause is mended the next run starts it again",
    100: "look at the log of Kubernetes in the node below",
}

# kubeadm prints its bootstrap token when it fails as well as when it does not.
_TOKEN = re.compile(
    r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b|--(?:certificate-key|discovery-token-ca-cert-hash)[ =]\S+"
)


# Errors of klog, of containerd and etcd, and of a program that ends.
_TELLING = re.compile(
    r"(?:^| )[EF][0-9]{4} |level=(?:error|fatal)|\"level\":\"(?:error|fatal)|panic: |command failed"
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of `minikube ... --output json`."""

    kind: str
    message: str
    exit_code: int | None = None
    name: str = ""
    advice: str = ""


def events(text: str) -> Iterator[Event]:
    """Read the events; a line that is none (a warning of the daemon's client) is passed over."""
    for line in text.splitlines():
        try:
            event = json.loads(line)
            data = event["data"]
            code = str(data.get("exitcode", ""))
            yield Event(
                kind=str(event["type"]).rpartition(".")[2],
                message=str(data.get("message", "")).strip(),
                exit_code=int(code) if code.isdigit() else None,
                name=str(data.get("name", "")),
                advice=str(data.get("advice", "")).strip(),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def without_tokens(text: str) -> str:
    """Mask what kubeadm prints for other nodes to join with."""
    return _TOKEN.sub("********", text)


def next_step(code: int) -> str:
    """Say what a person can do about an exit code."""
    return NEXT_STEPS.get(code) or NEXT_STEPS.get(code - code % 10) or NEXT_STEPS[80]


def failure(action: str, profile: str, done: Completed, log: str) -> RampartError:
    """Turn a failed command into an error with minikube's own reason and the end of its log.

    Events of the kind `error` also occur in a start that succeeds, so only one with an exit code
    is taken for the reason.
    """
    seen = list(events(done.stdout))
    fatal = [event for event in seen if event.exit_code is not None]
    errors = [event for event in seen if event.kind == "error" and event.message]
    said = (fatal or errors or [Event("error", done.stderr.strip() or "it printed nothing")])[-1]
    reason = without_tokens(said.message)
    if len(reason) > 2 * LOG_WIDTH:
        # The cause stands at the end: the beginning repeats the command line.
        reason = f"... {reason[-2 * LOG_WIDTH :]}"
    label = f" ({said.name})" if said.exit_code is not None and said.name else ""
    code = said.exit_code if said.exit_code is not None else done.rc
    return RampartError(
        f"minikube could not {action} the profile {profile}{label}: {reason}",
        next_step=without_tokens(said.advice) or next_step(code),
        profile=profile,
        rc=done.rc,
        minikube_error=said.name,
        log_tail=tail(log),
    )


def tail(log: str) -> list[str]:
    """Return the end of minikube's log: its errors, if there are any, without tokens."""
    lines = [without_tokens(line.rstrip())[:LOG_WIDTH] for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines)[-LOG_LINES:]


def status(done: Completed) -> State:
    """Read `minikube status --output json` of a profile with one node."""
    if done.rc == UNKNOWN_PROFILE:
        return "absent"
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        if any(event.exit_code is not None or "not found" in event.message for event in events(done.stdout)):
            return "absent"
        answer = done.json()
    if answer is None:
        # The daemon is down: nothing is known about the container.
        return "unknown"
    nodes = answer if isinstance(answer, list) else [answer]
    states = {str(node.get(part, "")) for node in nodes for part in ("Host", "Kubelet", "APIServer")}
    if states == {"Running"}:
        return "running"
    return "stopped" if {str(node.get("Host", "")) for node in nodes} == {"Stopped"} else "degraded"


def configuration(done: Completed, profile: str) -> tuple[bool, dict[str, Any] | None]:
    """Find a profile in `minikube profile list --output json`: whether it is there, and its settings.

    One that is there without settings is what a failed start left behind.
    """
    answer = done.json()
    for entry in answer.get("valid") or []:
        if entry.get("Name") == profile:
            return True, entry.get("Config") or {}
    return any(entry.get("Name") == profile for entry in answer.get("invalid") or []), None
