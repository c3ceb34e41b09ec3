# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules against an API server that enforces the policies itself: audit, enforcement, proof."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import rendering, samples
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.support.admission import NOW, definition, environments
from tests.support.modules import call

BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"


def proof(ask: Callable[..., dict[str, Any]], *, passed: bool) -> dict[str, Any]:
    """Prove until the API server has put into force, or out of it, one policy after the other."""
    deadline = time.monotonic() + 300
    found = ask("policy_verify", report_only=True)
    while found["passed"] is not passed and time.monotonic() < deadline:
        time.sleep(0.5)
        found = ask("policy_verify", report_only=True)
    return found


def test_what_would_break_is_named_before_and_refused_after(client: Client, kubeconfig: Path) -> None:
    prod = [each for each in environments() if each["name"] == "prod"]
    wanted = definition(engine="kubernetes", environments=prod)
    cluster = {"kubeconfig": str(kubeconfig)}

    def ask(module: str, **more: Any) -> dict[str, Any]:
        return call(module, {**cluster, "definition": wanted, **more})

    admission = rendering.read(wanted, NOW)
    [environment] = admission.environments
    [guard] = [each for each in admission.of(environment) if each.policy.name == "read-only-root"]
    bad = next(each.object for each in samples.samples(guard) if each.refused)
    path = "/apis/apps/v1/namespaces/prod/deployments"
    client.call("POST", path, body=bad)

    # Before: the one thing that lives is named, nothing is enforced, and no trial is left behind.
    found = ask("policy_check")
    assert found["failed"]
    assert [(each["name"], each["policy"]) for each in found["breaks"]] == [
        ("rampart-probe-try", "read-only-root")
    ]
    assert client.list_all(POLICIES)[0] == client.list_all(BINDINGS)[0] == []
    client.delete(f"{path}/rampart-probe-try")
    assert ask("policy_check")["landing"] == len(admission.guards)

    # After: nothing lands any more, and every policy is proved.
    call("manifest_apply", {**cluster, "definitions": rendering.everything(admission)})
    assert ask("policy_check")["landing"] == 0
    proved = proof(ask, passed=True)
    assert proved["passed"], proved
    assert proved["counts"]["denied"] >= len(admission.guards)

    # A policy that somebody took away is a violation, and lands again.
    client.delete(f"{BINDINGS}/{guard.name}")
    client.delete(f"{POLICIES}/{guard.name}")
    lost = proof(ask, passed=False)
    assert any("what breaks read-only-root" in each for each in lost["violations"])
    assert ask("policy_check")["landing"] == 1


def test_a_cluster_that_is_not_there_breaks_nothing(tmp_path: Path) -> None:
    asked = {"kubeconfig": str(tmp_path / "none"), "definition": definition()}
    for module in ("policy_check", "policy_reports", "policy_verify"):
        done = call(module, asked, check=True)
        assert "failed" not in done, done
        assert done["changed"] is False
