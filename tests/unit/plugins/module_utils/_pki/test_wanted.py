# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import (
    Authority,
    Certificate,
    KeyPair,
    Kubeconfig,
    Wanted,
    check,
)

AUTHORITY = Authority("ca", "demo-ca", 3650)
CERTIFICATE = Certificate("api", "ca", "api", (), ("server",), ("api.example.com",), ("10.0.0.1",), 365)
KUBECONFIG = Kubeconfig(Path("/k"), "demo", "https://10.0.0.1", "ca", "api", "admin", 0o600)
WANTED = Wanted(Path("/pki"), [AUTHORITY], [CERTIFICATE], [KeyPair("sa", "rsa")], [KUBECONFIG], 30)


def test_a_plain_set_passes() -> None:
    check(WANTED)


@pytest.mark.parametrize("name", ["etcd/ca", "a.b-c_d", "0"])
def test_names_may_have_folders(name: str) -> None:
    check(replace(WANTED, key_pairs=[KeyPair(name, "rsa")]))


@pytest.mark.parametrize("name", ["", "/etc/ca", "../ca", "a/../b", "a//b", "A", "a b", ".x", "a/"])
def test_names_stay_below_the_folder(name: str) -> None:
    with pytest.raises(RampartError, match="cannot be the name"):
        check(replace(WANTED, key_pairs=[KeyPair(name, "rsa")]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"authority": "other"}, "names the authority other"),
        ({"common_name": ""}, "empty or longer"),
        ({"common_name": "x" * 65}, "empty or longer"),
        ({"organizations": ("x" * 65,)}, "empty or longer"),
        ({"usages": ()}, "has no usage"),
        ({"dns": (), "addresses": ()}, "neither DNS names nor addresses"),
        ({"dns": ("UPPER.example.com",)}, "not a DNS name"),
        ({"dns": ("a..b",)}, "not a DNS name"),
        ({"dns": ("10.0.0.1/8",)}, "not a DNS name"),
        ({"addresses": ("10.0.0.256",)}, "not an address"),
        ({"days": 30}, "every run would renew it"),
        ({"name": "ca"}, "given twice"),
        ({"name": "sa"}, "given twice"),
    ],
)
def test_an_unfit_certificate_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RampartError, match=message):
        check(replace(WANTED, certificates=[replace(CERTIFICATE, **change)]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"server": "http://10.0.0.1"}, "not https"),
        ({"authority": "none"}, "names the authority none"),
        ({"certificate": "none"}, "names the certificate none"),
    ],
)
def test_an_unfit_kubeconfig_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RampartError, match=message):
        check(replace(WANTED, kubeconfigs=[replace(KUBECONFIG, **change)]))  # type: ignore[arg-type]


def test_an_authority_lives_for_a_day_at_least() -> None:
    with pytest.raises(RampartError, match="lives for no day"):
        check(replace(WANTED, authorities=[replace(AUTHORITY, days=0)]))


def test_a_wildcard_is_a_name() -> None:
    check(replace(WANTED, certificates=[replace(CERTIFICATE, dns=("*.example.com",))]))
