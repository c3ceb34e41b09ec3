# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Job templates as AWX launches them, against an API server; `make awx` launches all of them."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rig.rig import Rig
from tests.support import asking, programs
from tests.support.awx import Controller, Job, RefusedError

Launch = Callable[..., Job]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """One API server for all jobs."""
    with Rig() as started:
        yield started


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """What stands for an AWX: a checkout and what it requires."""
    return Controller(tmp_path_factory.mktemp("awx"))


@pytest.fixture(scope="module")
def inventory(controller: Controller, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory production as it is tracked, with the state of the test in a folder of its own."""
    folder = tmp_path_factory.mktemp("inventory") / "production"
    shutil.copytree(controller.project / "inventories/production", folder)
    own = {"cluster_state_dir": str(folder / "state"), "tools_prefix": str(programs.FOLDER.parent)}
    (folder / "group_vars/all/own.yml").write_text(yaml.safe_dump(own))
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"production": None, "other": None}}}))
    return folder


@pytest.fixture
def launch(controller: Controller, rig: Rig, inventory: Path) -> Launch:
    """Launch with the kubeconfig of the API server as a credential, on one of two clusters."""
    credentials = {"rampart kubeconfig": {"kubeconfig": rig.kubeconfig.read_text()}}

    def launched(name: str, answers: dict[str, object], **more: Any) -> Job:
        return controller.launch(
            name, answers, inventory=inventory, credentials=credentials, limit="production", **more
        )

    return launched


def holds(folder: Path, text: str) -> list[Path]:
    """Name the files of a job that hold a text, but for the files of its credentials."""
    files = [path for name in ("env", "artifacts") for path in (folder / name).rglob("*") if path.is_file()]
    return [path for path in files if text in path.read_text(errors="replace")]


def test_a_job_reaches_the_cluster_of_its_credential(launch: Launch, rig: Rig) -> None:
    job = launch("rampart report", {})
    assert job.status == "successful", job.stdout
    # Only what the limit names was looked at, and what the next job gets is data without secrets.
    uid = asking.kubectl(rig.kubeconfig, "get", "namespace", "kube-system")["metadata"]["uid"]
    outcome = job.artifacts["rampart_outcome"]
    assert outcome.keys() == {"production"}
    assert outcome["production"]["uid"] == uid
    assert job.artifacts.keys() == {"rampart_outcome"}
    (file,) = (job.folder / "tmp").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = yaml.safe_load(rig.kubeconfig.read_text())["users"][0]["user"]["client-key-data"]
    assert holds(job.folder, key) == []


def test_a_second_job_changes_nothing(launch: Launch, rig: Rig) -> None:
    first = launch("rampart environments", {}, tags="namespaces")
    assert first.status == "successful", first.stdout
    assert first.changed["production"] > 0
    before = rig.stored()
    second = launch("rampart environments", {}, tags="namespaces")
    assert second.changed == {"production": 0}
    assert rig.stored() == before


@pytest.mark.parametrize(
    "answers",
    [
        {"secrets_incident_id": "incident-1"},
        {"secrets_incident_namespaces": ["elsewhere"], "secrets_incident_id": "incident-1"},
        {"secrets_incident_namespaces": "prod", "secrets_incident_id": "incident-1"},
        {"secrets_incident_namespaces": ["prod"]},
        {"secrets_incident_namespaces": ["prod"], "secrets_incident_id": "incident-1", "kubeconfig": "x"},
    ],
)
def test_a_survey_refuses_before_anything_runs(launch: Launch, answers: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        launch("rampart rotate incident", answers)


def test_a_job_that_fails_says_why_in_its_first_line(launch: Launch) -> None:
    """The survey lets dev through; this inventory has no such environment, and the role says which it has."""
    answers = {"secrets_incident_namespaces": ["dev"], "secrets_incident_id": "incident-1"}
    job = launch("rampart rotate incident", answers)
    assert job.status == "failed"
    said = "secrets_incident_namespaces has to name one or more of prod. Nothing was rotated."
    assert job.failures == [said]
    # The end of the output repeats it, where whoever opens the page of the job looks.
    assert said in job.stdout[job.stdout.index("FAILED: production: ") :]
    assert job.artifacts == {}


def test_only_what_was_proved_before_goes_on(launch: Launch) -> None:
    """The pipeline of a workflow leaves the digests; the next one finds none of them here."""
    before = {"rampart_delivered": {"images": {"rampart.local/ai-backend/backend:1": "sha256:proved"}}}
    job = launch("rampart pipeline", {}, tags="load", before=before)
    assert job.status == "failed"
    assert job.failures[0].startswith(
        "The images are not those that were proved before and approved (sha256:proved)"
    )
