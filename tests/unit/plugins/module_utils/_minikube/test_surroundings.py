# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube import surroundings

NODE_IMAGE = "rampart.local/minikube-node"


def unasked() -> bool:
    raise AssertionError("the network was asked although the answer was known")


@pytest.mark.parametrize(
    ("bounding", "lacking"),
    [("000001fffeffffff", [24]), ("000001ffffffffff", []), ("00000000a80425fb", list(range(41))[32:])],
)
def test_lacking_capabilities_are_read_from_the_bounding_set(bounding: str, lacking: list[int]) -> None:
    found = surroundings.lacking_capabilities(f"Name:\tsh\nCapBnd:\t{bounding}\n", "40\n")
    assert set(lacking) <= set(found)
    assert bool(found) == bool(lacking)


def test_the_images_of_kubeadm_get_the_names_of_minikubes_cache() -> None:
    listing = "registry.k8s.io/etcd:3.6.8-0\nregistry.k8s.io/coredns/coredns:v1.14.2\n"
    etcd, coredns = surroundings.parse_images(listing)
    assert (etcd["name"], etcd["tag"], etcd["cache_file"]) == (
        "etcd",
        "3.6.8-0",
        "registry.k8s.io/etcd_3.6.8-0",
    )
    assert coredns["repository"] == "registry.k8s.io/coredns/coredns"
    assert coredns["cache_file"] == "registry.k8s.io/coredns/coredns_v1.14.2"


@pytest.mark.parametrize("reference", ["registry.k8s.io/etcd", "localhost:5000/etcd"])
def test_an_image_without_a_tag_is_refused(reference: str) -> None:
    with pytest.raises(RampartError, match="without a tag"):
        surroundings.parse_images(reference)


@pytest.mark.parametrize(("choice", "answer"), [("true", True), ("false", False)])
def test_who_decides_himself_is_not_second_guessed(choice: Any, answer: bool) -> None:
    assert surroundings.is_air_gapped(choice, None, NODE_IMAGE, unasked) is answer


@pytest.mark.parametrize(
    ("image", "answer"), [(f"{NODE_IMAGE}:8e44", True), ("gcr.io/k8s-minikube/kicbase:v0", False)]
)
def test_a_profile_stays_what_it_was_made_as(image: str, answer: bool) -> None:
    assert surroundings.is_air_gapped("auto", {"KicBaseImage": image}, NODE_IMAGE, unasked) is answer


@pytest.mark.parametrize("network", [True, False])
def test_without_a_profile_the_network_is_asked(network: bool) -> None:
    assert surroundings.is_air_gapped("auto", None, NODE_IMAGE, lambda: network) is not network


def test_one_source_out_of_reach_is_enough_to_be_air_gapped() -> None:
    assert surroundings.all_reachable(["a", "b"], lambda url: True)
    assert not surroundings.all_reachable(["a", "b"], lambda url: url == "a")


def test_a_name_that_nobody_knows_is_not_reachable() -> None:
    assert not surroundings.reachable("https://nothere.invalid/")


def test_a_daemon_of_its_own_is_used_where_none_answers(tmp_path: Path) -> None:
    nobody = f"unix://{tmp_path}/none.sock"
    own = f"unix://{tmp_path}/own.sock"
    found = surroundings.docker_daemon(nobody, own, tmp_path / "data", tmp_path)
    assert found == {"own": True, "host": own, "answers": False}
