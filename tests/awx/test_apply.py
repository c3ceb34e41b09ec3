# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_apply with the real modules of awx.awx, against what stands for the API of AWX."""

from __future__ import annotations

import re

from tests.support import plays
from tests.support.awx import data
from tests.support.awx_api import Store, served

TOKEN = "a-token-of-the-test"
SECRETS = {
    name: f"secret-{name.lower()}"
    for name in ("RAMPART_SLACK_TOKEN", "RAMPART_EMAIL_PASSWORD", "RAMPART_PAGERDUTY_TOKEN")
}
VARIABLES = {"awx_notifications": ["slack", "email", "pagerduty", "webhook"]}


def apply(url: str, *arguments: str) -> str:
    """Run the playbook to a good end and return what it said."""
    environment = {**SECRETS, "CONTROLLER_HOST": url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
    done = plays.finish(
        plays.start("localhost,", "awx_apply", VARIABLES, *arguments, environment=environment)
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    for secret in (TOKEN, *SECRETS.values()):
        assert secret not in done.stdout + done.stderr
    return done.stdout


def changed(said: str) -> int:
    """Return how many tasks changed something."""
    (count,) = re.findall(r"^localhost .* changed=(\d+) ", said, flags=re.MULTILINE)
    return int(count)


def test_what_the_data_says_comes_to_be_and_stays() -> None:
    with served(TOKEN) as (url, store):
        assert changed(apply(url, "--check")) > 0
        assert store.writes == []

        assert changed(apply(url)) > 0
        compare(store)

        before = store.relations()
        assert changed(apply(url)) == 0
        assert store.relations() == before


def compare(store: Store) -> None:
    """Compare what the API shows with what the files say."""
    kinds = {
        "teams": "aap_teams",
        "credential_types": "controller_credential_types",
        "credentials": "controller_credentials",
        "projects": "controller_projects",
        "inventories": "controller_inventories",
        "inventory_sources": "controller_inventory_sources",
        "notification_templates": "controller_notifications",
        "job_templates": "controller_templates",
        "workflow_job_templates": "controller_workflows",
        "schedules": "controller_schedules",
    }
    for kind, listed in kinds.items():
        assert {one["name"] for one in data()[listed]} <= {one["name"] for one in store.all(kind).values()}
    for one in store.all("job_templates").values():
        (wanted,) = [each for each in data()["controller_templates"] if each["name"] == one["name"]]
        assert store.surveys.get(one["id"], {}) == wanted.get("survey_spec", {})
    # What AWX renders when a job starts has come through as it has to be there.
    (kubeconfig,) = [
        one for one in store.all("credential_types").values() if one["name"] == "rampart kubeconfig"
    ]
    assert kubeconfig["injectors"]["file"] == {"template.kubeconfig": "{{ kubeconfig }}"}
    assert [one["name"] for one in store.all("approvals").values()] == ["Deliver to production"]


def test_a_stranger_is_refused() -> None:
    with served("another") as (url, _store):
        environment = {"CONTROLLER_HOST": url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
        done = plays.finish(plays.start("localhost,", "awx_apply", {}, environment=environment))
        assert done.returncode != 0
        assert "Invalid authentication credentials" in done.stdout
