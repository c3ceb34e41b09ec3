# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every job template, launched as AWX does it: in check mode where nothing is, then for real in an order."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.awx import Controller, Job, data, questions

# It speaks to a controller; test_apply.py does that.
APPLY = "rampart awx apply"
NAMES = [one["name"] for one in data()["controller_templates"] if one["name"] != APPLY]
CREDENTIALS = {"rampart signing key": {"passphrase": "a passphrase of the test"}}
ANSWERS: dict[str, dict[str, Any]] = {
    "rampart rotate incident": {"secrets_incident_namespaces": ["dev"], "secrets_incident_id": "awx-1"},
    "rampart incident": {"incident_namespace": "dev", "incident_pod": "none"},
    "rampart rotate ca": {"cluster_rotate_authorities": ["ca"]},
    "rampart cluster reset": {"cluster_reset_confirm": "true"},
    "rampart policies remove": {"kyverno_uninstall_confirm": "true"},
    # Of a cluster that has just been made, nothing is explained.
    "rampart compliance": {"cis_benchmark_report_only": "true"},
}
# The tracked inventory names nothing for these, and a gate that judges nothing does not pass.
UNNAMED = dict.fromkeys(
    ("rampart source gates", "rampart sbom", "rampart verify release"), "was given nothing to judge"
)
# What has nothing to work on where nothing is, and how it says so.
REFUSED_WHERE_NOTHING_IS = {
    "rampart rotate encryption": "No API server runs",
    "rampart encryption census": "No API server runs",
    **UNNAMED,
}
# For real, in this order.
STORY = (
    "rampart preflight",
    "rampart tools",
    "rampart cluster",
    "rampart cluster status",
    "rampart environments",
    "rampart secrets",
    "rampart rotate",
    "rampart rotate incident",
    "rampart rotate encryption",
    "rampart encryption census",
    "rampart backup",
    "rampart rotate service account keys",
    "rampart compliance",
    "rampart report",
    "rampart source gates",
    "rampart secret scan",
    "rampart scan",
    "rampart scan dependencies",
    "rampart scan infrastructure",
    "rampart deploy release",
    "rampart verify release",
    "rampart cluster stop",
    "rampart cluster start",
    "rampart cluster reset",
)
# Without a node there is none to judge, and no pod that could prove anything: verify is not in the order.
FAILING = {
    "rampart compliance": "do not run: kubelet",
    "rampart scan infrastructure": "do not run: kubelet",
    # The application was not delivered: nothing is rotated where no backend learns of it.
    "rampart rotate incident": "no ready pod stands behind Service dev/postgresql",
    **UNNAMED,
}
# The content of a secret that a job made may be in nothing that it left.
LONGEST_ARTIFACTS = 4096


def launch(controller: Controller, inventory: Path, name: str, *, check: bool) -> Job:
    """Launch with the credentials that the template asks for."""
    answers: Mapping[str, Any] = ANSWERS.get(name, {})
    return controller.launch(
        name, answers, inventory=inventory, credentials=CREDENTIALS, limit="local", check=check
    )


def judge(job: Job, said: str) -> None:
    """Compare how a job ended with how it should, and look at what it left."""
    if said:
        assert job.status == "failed"
        assert any(said in line for line in job.failures), job.failures
    else:
        assert job.status == "successful", job.stdout[-4000:]
    assert job.artifacts.keys() <= {"rampart_outcome", "rampart_delivered"}
    assert len(str(job.artifacts)) < LONGEST_ARTIFACTS
    for event in job.events:
        assert CREDENTIALS["rampart signing key"]["passphrase"] not in event["stdout"]


@pytest.mark.parametrize("name", NAMES)
def test_check_mode_where_nothing_is(controller: Controller, inventory: Path, state: Path, name: str) -> None:
    judge(launch(controller, inventory, name, check=True), REFUSED_WHERE_NOTHING_IS.get(name, ""))
    assert list(state.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="embedded clusters need root")
@pytest.mark.parametrize("name", STORY)
def test_for_real(controller: Controller, inventory: Path, name: str) -> None:
    job = launch(controller, inventory, name, check=False)
    judge(job, FAILING.get(name, ""))


def test_every_template_is_launched() -> None:
    assert set(STORY) <= set(NAMES)
    assert {one for one in NAMES if any(asked["required"] for asked in questions(one))} <= ANSWERS.keys()
