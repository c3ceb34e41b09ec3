# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that move images refuse before they touch anything, and know check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.support.layouts import layout
from tests.support.registries import free_port, small_registry

NAME = "test.local/team/app:1"


@pytest.fixture
def image(tmp_path: Path) -> dict[str, Any]:
    layout(tmp_path / "image", [{"a": b"a"}])
    return {"layout": str(tmp_path / "image"), "name": NAME}


def test_nothing_is_loaded_without_a_node(image: dict[str, Any]) -> None:
    answer = call("minikube_load", {"images": [image]})
    assert "not clear which nodes" in answer["msg"]


def test_a_node_that_is_away_is_to_come_in_check_mode(image: dict[str, Any], tmp_path: Path) -> None:
    wanted = {"images": [image], "sockets": [str(tmp_path / "away.sock")]}
    predicted = call("minikube_load", wanted, check=True, diff=True)
    assert predicted["changed"]
    assert NAME in predicted["reason"]
    assert predicted["loaded"] == {str(tmp_path / "away.sock"): "lacking"}
    assert call("minikube_load", wanted)["failed"]


def test_a_push_is_repeated_without_a_change(image: dict[str, Any]) -> None:
    with small_registry() as server:
        wanted = {"images": [image], "registry_url": server.url, "signatures": False}
        predicted = call("registry_push", wanted, check=True)
        assert predicted["changed"]
        assert server.writes() == []
        pushed = call("registry_push", wanted)
        assert pushed["changed"]
        assert pushed["images"][0]["name"] == f"{server.url.removeprefix('http://')}/team/app:1"
        assert not call("registry_push", wanted)["changed"]
        # The name comes last, after everything that it stands for.
        assert server.writes()[-1] == "PUT /v2/team/app/manifests/1"


def test_a_tag_keeps_its_meaning(image: dict[str, Any], tmp_path: Path) -> None:
    with small_registry() as server:
        wanted = {"images": [image], "registry_url": server.url, "signatures": False}
        call("registry_push", wanted)
        layout(tmp_path / "image", [{"a": b"b"}])
        refused = call("registry_push", wanted)
        assert "would mean another image" in refused["msg"]
        assert call("registry_push", {**wanted, "move_tags": True})["changed"]


def test_a_registry_that_is_away_is_empty_in_check_mode(image: dict[str, Any]) -> None:
    wanted = {
        "images": [image],
        "registry_url": f"http://127.0.0.1:{free_port()}",
        "signatures": False,
    }
    assert call("registry_push", wanted, check=True)["changed"]
    assert "Nobody listens" in call("registry_push", wanted)["msg"]


@pytest.mark.parametrize("given", [{"clusters": []}, {"clusters": [{"kubeconfig": "/a"}], "keep_newest": 0}])
def test_nothing_is_deleted_when_nobody_is_asked(given: dict[str, Any]) -> None:
    answer = call("registry_retain", {"registry_url": "https://127.0.0.1:1", **given})
    assert "everything would be deleted" in answer["msg"]
