# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._minikube import traces

# From a machine with docker 20.10, a minikube network and an embedded cluster with Cilium, shortened.
SAVED = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:CILIUM_FORWARD - [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -m comment --comment "cilium-feeder: CILIUM_FORWARD" -j CILIUM_FORWARD
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o br-a64435db7256 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o br-a64435db7256 -j DOCKER
-A FORWARD -i br-a64435db7256 ! -o br-a64435db7256 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 192.168.49.0/24 ! -o br-a64435db7256 -j MASQUERADE
-A DOCKER -i br-a64435db7256 -j RETURN
COMMIT
*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
"""


def test_docker_s_rules_go_and_those_of_others_stay() -> None:
    text = traces.rules_to_remove(SAVED, links=[])
    assert text.count("COMMIT") == 2
    assert "-D FORWARD -j DOCKER-USER" in text
    assert "-D FORWARD -o br-a64435db7256 -j DOCKER\n" in text
    assert "-D PREROUTING -m addrtype --dst-type LOCAL -j DOCKER" in text
    assert "-D POSTROUTING -s 192.168.49.0/24 ! -o br-a64435db7256 -j MASQUERADE" in text
    assert "-X DOCKER-ISOLATION-STAGE-1" in text
    assert "CILIUM" not in text
    assert "KUBE" not in text


def test_chains_are_emptied_before_any_is_deleted() -> None:
    lines = traces.rules_to_remove(SAVED, links=[]).split("COMMIT", maxsplit=1)[0].splitlines()
    verbs = [line.split()[0] for line in lines if line.startswith("-")]
    assert verbs == sorted(verbs, key=["-D", "-F", "-X"].index)


def test_the_rules_of_a_bridge_that_still_exists_stay() -> None:
    text = traces.rules_to_remove(SAVED, links=["br-a64435db7256"])
    assert "MASQUERADE" not in text
    assert "-D FORWARD -o br-a64435db7256 -m conntrack" not in text


def test_without_docker_there_is_nothing_to_remove() -> None:
    other = "\n".join(line for line in SAVED.splitlines() if "DOCKER" not in line and "br-" not in line)
    assert traces.rules_to_remove(other, links=[]) == ""


def test_mounts_are_taken_away_from_the_inside() -> None:
    table = (
        "overlay /state/demo/docker/overlay2/1/merged overlay rw 0 0\n"
        "proc /state/demo/docker/overlay2/1/merged/proc proc rw 0 0\n"
        "tmpfs /state/demo2/docker tmpfs rw 0 0\n"
        "tmpfs /state/demo/with\\040space tmpfs rw 0 0\n"
    )
    assert traces.mounts_below([Path("/state/demo")], table) == [
        "/state/demo/docker/overlay2/1/merged/proc",
        "/state/demo/docker/overlay2/1/merged",
        "/state/demo/with space",
    ]


def test_folders_are_removed_and_a_second_look_finds_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "docker"
    (folder / "data").mkdir(parents=True)
    # The machine's packet rules are left out of a unit test: there is no folder that asks for them.
    absent = traces.Removal([tmp_path / "absent"])
    assert not absent.plan().changed
    removal = traces.Removal([folder])
    removal._present = [folder]
    removal.apply(absent.plan())
    assert not folder.exists()
