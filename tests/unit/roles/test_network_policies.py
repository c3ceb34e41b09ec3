# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod that an incident has cut off is allowed nothing by the policies of its environment."""

from __future__ import annotations

import json
from typing import Any

import jinja2
import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._incident.containment import wanted_labels
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import selects

from tests.unit.collection import ROOT

LABELS = {"app.kubernetes.io/name": "backend"}


def allowed(applications: list[str]) -> dict[str, Any]:
    """Render whom a policy allows something."""
    templates = jinja2.FileSystemLoader(ROOT / "roles/network_policies/templates")
    environment = jinja2.Environment(loader=templates, autoescape=False)  # noqa: S701 - no page is made
    environment.filters["to_json"] = json.dumps
    line = "{% from '_macros.yml.j2' import allowed %}{{ allowed(applications) }}"
    found: dict[str, Any] = json.loads(environment.from_string(line).render(applications=applications))
    return found


@pytest.mark.parametrize("applications", [[], ["backend"]])
def test_a_pod_is_allowed_until_it_is_cut_off(applications: list[str]) -> None:
    selector = allowed(applications)
    assert selects(selector, LABELS)
    assert not selects(selector, wanted_labels(LABELS, "incident-1", detach=True))


def test_a_policy_for_one_application_allows_no_other() -> None:
    assert not selects(allowed(["agent"]), LABELS)
