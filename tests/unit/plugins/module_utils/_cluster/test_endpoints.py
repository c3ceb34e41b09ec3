# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two clusters could fight over is found before anything starts."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._cluster.endpoints import (
    Listener,
    clashes,
    overlap,
    owner,
    parse_listeners,
)
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def test_a_listening_socket_is_found_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listeners = parse_listeners(Path("/proc/net/tcp").read_text())
        found = clashes({"etcd": ("127.0.0.1", port)}, listeners)
        assert [(name, listener.port) for name, listener in found] == [("etcd", port)]
        assert owner(found[0][1].inode, [os.getpid()]) == os.getpid()
    assert owner(found[0][1].inode, [os.getpid()]) is None


def test_an_address_of_another_cluster_does_not_clash() -> None:
    listeners = [Listener("198.19.1.1", 6443, "1"), Listener("", 10250, "2")]
    assert clashes({"api": ("198.19.0.1", 6443)}, listeners) == []
    assert clashes({"kubelet": ("198.19.0.1", 10250)}, listeners) == [("kubelet", listeners[1])]


def test_listeners_on_all_addresses_of_ipv6_count() -> None:
    table = (
        "  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
        "   0: 00000000000000000000000000000000:1388 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000 0 0 4711 1 0 100 0 0 10 0\n"
        "   1: B80D0120000000000000000001000000:1389 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000 0 0 4712 1 0 100 0 0 10 0\n"
    )
    assert parse_listeners(table) == [Listener("", 5000, "4711")]


def test_connections_are_no_listeners() -> None:
    table = "head\n   0: 0100007F:1388 0100007F:9000 01 0:0 0:0 0 0 0 99 1\n"
    assert parse_listeners(table) == []


def test_a_range_that_leads_elsewhere_is_refused_with_the_link() -> None:
    routes = [{"dst": "default", "dev": "eth0"}, {"dst": "10.128.3.0/24", "dev": "tun0"}]
    with pytest.raises(RampartError, match=r"pod_cidr 10\.128\.0\.0/16 .* overlaps 10\.128\.3\.0/24.* tun0"):
        overlap({"pod_cidr": IPv4Network("10.128.0.0/16")}, routes, re.compile("rmp0node"))


def test_own_routes_are_no_overlap() -> None:
    routes = [{"dst": "10.128.0.0/24", "dev": "rmp0pods"}, {"dst": "10.128.0.9", "dev": "rmp0pods"}]
    overlap({"pod_cidr": IPv4Network("10.128.0.0/16")}, routes, re.compile("rmp0node|rmp0pods"))
