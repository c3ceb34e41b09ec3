# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of all that a machine has belongs to one cluster."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.names import (
    Cluster,
    mounts_below,
    stale_links,
    stale_packet_rules,
    stale_rules,
)

FIXTURES = Path(__file__).resolve().parents[4] / "fixtures" / "cluster"


@pytest.fixture
def bridged() -> Cluster:
    """Give the cluster on the plain bridge of the recorded machine; another one there has Cilium."""
    return Cluster(
        Path("/var/tmp/rf/faults"),
        "rampart-faults",
        "rmp40node",
        "rmp40pods",
        "/rampart/faults",
        IPv4Network("10.168.0.0/16"),
    )


@pytest.fixture
def saved() -> str:
    return (FIXTURES / "iptables-save.txt").read_text()


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_mounts_come_innermost_first_and_from_below_the_root_only() -> None:
    mountinfo = r"""20 1 254:0 / / rw - ext4 /dev/vda rw
30 20 0:30 / /srv/a/run/bpf rw - bpf bpf rw
31 20 0:31 / /srv/a/data/with\040space rw - tmpfs tmpfs rw
32 31 0:32 / /srv/a/data/with\040space/in rw - tmpfs tmpfs rw
33 20 0:33 / /srv/ab/run rw - tmpfs tmpfs rw
34 20 0:34 / /srv/a rw - tmpfs tmpfs rw
"""
    assert mounts_below(mountinfo, Path("/srv/a")) == [
        "/srv/a/data/with space/in",
        "/srv/a/data/with space",
        "/srv/a/run/bpf",
    ]


def test_links_of_cilium_are_nobody_elses(bridged: Cluster) -> None:
    names = [
        "lo",
        "eth0",
        "rmp40pods",
        "rmp40node",
        "rmp4pods",
        "cilium_host",
        "lxc4b5d140be66e",
        "lxcbr0",
        "docker0",
    ]
    assert stale_links(names, bridged, cilium=False) == ["rmp40pods"]
    assert stale_links(names, bridged, cilium=True) == ["rmp40pods", "cilium_host", "lxc4b5d140be66e"]


def test_the_look_up_of_own_addresses_is_put_back_before_the_other_goes() -> None:
    # As Cilium leaves it.
    rules = [
        {"priority": 9, "src": "all", "fwmark": "0x200", "fwmask": "0xf00", "table": "2004"},
        {"priority": 100, "src": "all", "table": "local"},
        {"priority": 32766, "src": "all", "table": "main"},
    ]
    assert stale_rules(rules) == [
        ["add", "from", "all", "lookup", "local", "pref", "0"],
        ["del", "from", "all", "lookup", "local", "pref", "100"],
        ["del", "pref", "9"],
    ]


def test_rules_of_a_machine_without_cilium_stay() -> None:
    rules = [
        {"priority": 0, "src": "all", "table": "local"},
        {"priority": 50, "src": "10.0.0.0", "srclen": 8, "table": "100"},
        {"priority": 32766, "src": "all", "table": "main"},
    ]
    assert stale_rules(rules) == []


def test_a_run_killed_between_the_two_steps_is_finished() -> None:
    rules = [
        {"priority": 0, "src": "all", "table": "local"},
        {"priority": 100, "src": "all", "table": "local"},
    ]
    assert stale_rules(rules) == [["del", "from", "all", "lookup", "local", "pref", "100"]]


def test_rules_of_our_pods_go_and_those_of_docker_and_cilium_stay(bridged: Cluster, saved: str) -> None:
    text = stale_packet_rules(saved, bridged, cilium=False, kubelet=False)
    removed = lines(text, "-D ")
    assert [rule for rule in removed if "CNI-FORWARD" in rule]
    assert [rule for rule in removed if rule.startswith("-D POSTROUTING") and "rampart-faults" in rule]
    gone = [line.split()[1] for line in lines(text, "-X ")]
    assert gone
    assert all(chain.startswith("CNI-") for chain in gone)
    for foreign in ("DOCKER", "CILIUM", "KUBE", "10.128."):
        assert foreign not in text


def test_a_chain_is_emptied_before_it_goes_and_every_table_is_closed(bridged: Cluster, saved: str) -> None:
    text = stale_packet_rules(saved, bridged, cilium=True, kubelet=True)
    assert text.count("COMMIT\n") == len(lines(text, "*"))
    assert sorted(line[3:] for line in lines(text, "-F ")) == sorted(line[3:] for line in lines(text, "-X "))
    assert text.index("-F CILIUM_FORWARD") < text.index("-X CILIUM_FORWARD")
    assert "DOCKER" not in text


def test_every_rule_that_leads_to_a_chain_goes_with_it(bridged: Cluster, saved: str) -> None:
    text = stale_packet_rules(saved, bridged, cilium=True, kubelet=True)
    gone = {line.split()[1] for line in lines(text, "-X ")}
    for rule in lines(saved, "-A "):
        target = rule.rsplit(" -j ", 1)[-1].split()[0]
        if target in gone and rule.split()[1] not in gone:
            assert f"-D {rule[3:]}" in text


def test_the_shared_chain_stays_while_pods_of_others_use_it(bridged: Cluster, saved: str) -> None:
    busy = saved.replace(
        "-A CNI-FORWARD -m comment",
        "-A CNI-FORWARD -s 10.200.0.2/32 -j ACCEPT\n-A CNI-FORWARD -m comment",
        1,
    )
    assert "-X CNI-FORWARD" in stale_packet_rules(saved, bridged, cilium=False, kubelet=True)
    assert "-X CNI-FORWARD" not in stale_packet_rules(busy, bridged, cilium=False, kubelet=True)


def test_nothing_to_remove_is_said_with_nothing(bridged: Cluster) -> None:
    assert (
        stale_packet_rules("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", bridged, cilium=True, kubelet=True) == ""
    )
