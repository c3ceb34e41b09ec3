# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A return by hand: the printed commands bring a Secret back as it was, and the next run finds it so."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

from tests.support.failpoints import observed
from tests.support.programs import tool
from tests.support.rotating import Place, secret

USER = {"name": "username", "generator": "constant", "text": "app"}


def whole(place: Place) -> tuple[dict[str, str], dict[str, str]]:
    """Return the content of a Secret and what it says, but for who wrote it last."""
    found = place.client.get(f"/api/v1/namespaces/{place.name}/secrets/db")
    said = found["metadata"].get("annotations") or {}
    return found["data"], {key: text for key, text in said.items() if "fencing" not in key}


def shell(place: Place, command: str) -> None:
    path = f"{tool('kubectl').parent}:{os.environ['PATH']}"
    environment = {**os.environ, "KUBECONFIG": str(place.rig.kubeconfig), "PATH": path}
    subprocess.run(["sh", "-c", command], check=True, env=environment, timeout=60)


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_is_printed_brings_everything_back(place: Place, is_ours: bool) -> None:
    if is_ours:
        place.rotate(secret("db", USER))
    else:
        body = {"metadata": {"name": "db", "annotations": {"others": "stay"}}, "data": {"username": "YXBw"}}
        place.client.call("POST", f"/api/v1/namespaces/{place.name}/secrets", body=body)
    place.deploy("api", "db", replicas=1)
    before, template = whole(place), place.deployment("api")["spec"]["template"]
    place.sick.add("api")

    def stuck(name: str) -> None:
        if name == "before stage old":
            raise RampartError("the way back is broken.")

    declared: list[Any] = [secret("db", USER, {"name": "password"})]
    with observed(stuck):
        result = place.rotate(*declared)
    assert result["rollback"] == "manual", result["msg"]
    assert whole(place) != before
    place.sick.clear()
    for command in result["commands"]:
        shell(place, command)
    assert whole(place) == before
    assert place.deployment("api")["spec"]["template"] == template
    assert place.secrets() == ["db", "rampart-fingerprint-key"]
    again = place.rotate(*declared)
    assert (again["changed"], again["rotations"][0]["state"]) == (True, "finished")
