# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects, token
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.token import Look

DEV = Look("dev", "default")
CONTROL = Look("rampart-verify", "default", wants_token=True)


def verdicts(seen: dict[Look, str], silent: dict[Look, str] | None = None) -> dict[str, Verdict]:
    return {proof.claim: proof.verdict for proof in token.judge(seen, silent or {})}


def test_every_account_of_every_environment_looks() -> None:
    found = token.looks([{"namespace": "dev", "applications": {"api": {}}}])
    assert [str(look) for look in found] == [
        "a pod of dev as default finds no token",
        "a pod of dev as api finds no token",
        "a pod that asks for a token finds it",
    ]


def test_the_account_decides_and_not_the_pod() -> None:
    assert "automountServiceAccountToken" not in token.pod(DEV, "x", "image")["spec"]
    assert token.pod(CONTROL, "x", "image")["spec"]["automountServiceAccountToken"] is True


def test_absence_counts_where_presence_would_have_been_seen() -> None:
    assert set(verdicts({DEV: "absent", CONTROL: "mounted"}).values()) == {Verdict.HELD}


def test_a_mounted_token_is_a_violation() -> None:
    assert verdicts({DEV: "mounted", CONTROL: "mounted"})[str(DEV)] is Verdict.BROKEN


def test_blindness_proves_nothing() -> None:
    found = verdicts({DEV: "absent", CONTROL: "absent"})
    assert found == {str(DEV): Verdict.VACUOUS, str(CONTROL): Verdict.BROKEN}
    assert verdicts({DEV: "absent"})[str(DEV)] is Verdict.VACUOUS
    assert verdicts({DEV: "sh: not found", CONTROL: "mounted"})[str(DEV)] is Verdict.VACUOUS


def test_a_pod_that_never_ran_is_not_proven() -> None:
    found = token.judge({CONTROL: "mounted"}, {DEV: "ErrImagePull: not found"})
    assert found[0].verdict is Verdict.NOT_PROVEN
    assert "ErrImagePull" in found[0].observed


def test_what_a_pod_wrote_is_read_from_its_status() -> None:
    status = {"containerStatuses": [{"state": {"terminated": {"message": "absent\n"}}}]}
    assert token.saw({"status": status}) == "absent"
    assert token.saw({"status": {"containerStatuses": [{"state": {"running": {}}}]}}) == ""


def test_trouble_is_told_in_the_nodes_words() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    assert objects.trouble({"status": {"containerStatuses": [waiting]}}) == "ImagePullBackOff: no such image"
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
    assert objects.trouble({"status": {"conditions": [unscheduled]}}) == "Unschedulable: no node"
    assert (
        objects.trouble({"status": {"phase": "Failed", "reason": "DeadlineExceeded"}}) == "DeadlineExceeded"
    )
    creating = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    assert objects.trouble({"status": {"containerStatuses": [creating]}}) == ""
