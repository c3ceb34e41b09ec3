# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects, places
from ansible_collections.rampart.k8s.plugins.module_utils._verify.policies import Port

from tests.support.packets import ENDS, PLACES, SERVER, network_policy

API, OTHER = PLACES[:2]
PORTS = [{"port": "web", "protocol": "TCP"}, {"port": "ask", "protocol": "UDP"}]
RULE = network_policy("dev", "x", policyTypes=["Ingress"], ingress=[{"ports": PORTS}])


def pod(application: str, *ports: dict[str, Any], **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {places.NAME: application, **labels}},
        "spec": {"containers": [{"ports": list(ports)}]},
    }


def test_a_probe_stands_wherever_the_definition_makes_a_difference() -> None:
    assert [str(place) for place in PLACES] == [
        "dev/api",
        "dev/other",
        "web/other",
        "rampart-verify/other",
        "a walled-in pod",
    ]


def test_a_probe_calls_its_ports_as_the_pods_do_that_it_stands_for() -> None:
    alive = pod("api", {"name": "web", "containerPort": 8000}, {"name": "else", "containerPort": 1})
    probe = pod("api", {"name": "web", "containerPort": 1}, **{objects.LABEL: "true"})
    found = places.named([API, OTHER], [RULE], {"dev": [probe, alive]})
    assert found[API] == {"web": Port(8000)}
    invented = {port.protocol for port in found[OTHER].values()}
    assert (set(found[OTHER]), invented) == ({"web", "ask"}, {"TCP", "UDP"})


def test_without_a_name_in_any_rule_no_probe_has_one() -> None:
    assert places.named([API], [network_policy("dev", "x")], {}) == {API: {}}


def test_the_ends_are_what_policies_see_and_what_is_asked() -> None:
    found = {str(end): end for end in ENDS}
    assert list(found) == [
        "the cluster's DNS",
        "the cluster's DNS over TCP",
        "the API server",
        "the cloud's metadata",
        "203.0.113.1:443",
        "198.18.77.2:443",
    ]
    server = found["the API server"]
    assert (server.address, server.port) == ("10.96.0.1", Port(443))
    assert [(end.address, port.number) for end, port in server.behind] == [
        ("192.0.2.11", 6443),
        ("192.0.2.12", 6443),
    ]
    assert {name for name, end in found.items() if not end.answers} == {
        "the cloud's metadata",
        "203.0.113.1:443",
    }


def test_a_server_that_nothing_is_behind_is_no_end() -> None:
    for server, slices in ((None, []), (SERVER, [{"endpoints": None, "ports": None}])):
        assert "the API server" not in {str(end) for end in places.ends([], server, slices, [])}


@pytest.mark.parametrize("text", ["registry.example.com:443", "198.51.100.7", "198.51.100.7:https", ""])
def test_what_is_no_address_and_port_is_refused(text: str) -> None:
    with pytest.raises(RampartError, match="is no TCP endpoint"):
        places.outsider(text)


def test_an_address_of_the_newer_protocol_stands_in_brackets() -> None:
    found = places.outsider("[2001:db8::7]:443")
    assert (found.address, found.port, found.answers) == ("2001:db8::7", Port(443), True)


@pytest.mark.parametrize(("protocol", "port"), [("UDP", Port(5353, "UDP")), ("TCP", Port(53))])
def test_the_resolver_is_asked_where_its_pods_listen(protocol: str, port: Port) -> None:
    ports = [{"name": "dns", "containerPort": 5353, "protocol": "UDP"}, {"containerPort": 1}]
    alive = {"metadata": {"labels": {"k8s-app": "kube-dns"}}, "spec": {"containers": [{"ports": ports}]}}
    ((found, asked),) = places.resolvers([alive], protocol)
    assert (found.namespace, found.named, asked) == ("kube-system", {"dns": Port(5353, "UDP")}, port)


def test_a_resolver_that_is_not_seen_is_known_by_its_label() -> None:
    ((found, asked),) = places.resolvers([], "UDP")
    assert (found.labels, asked) == ({"k8s-app": "kube-dns"}, Port(53, "UDP"))
