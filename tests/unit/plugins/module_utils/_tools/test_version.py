# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.version import SAID, accepts


@pytest.mark.parametrize(
    ("accept", "version", "expected"),
    [
        ("==1.36.3", "1.36.3", True),
        ("==1.36.3", "v1.36.3", True),
        ("==1.36.3", "1.36.30", False),
        ("==1.36.3", "1.36.3-rc.1", False),
        (">=1.36", "1.37.0-alpha.2", False),
        ("==1.2", "1.2.0", True),
        (">=1.1.5,<2", "1.1.5+ds1", True),
        (">=1.1.5,<2", "1.1.4", False),
        (">=1.1.5,<2", "2.0.0", False),
        (">=1.9", "1.10", True),
        (">19, <=20", "20", True),
        (">19, <=20", "19", False),
    ],
)
def test_accepts(accept: str, version: str, expected: bool) -> None:
    assert accepts(accept, version) is expected


@pytest.mark.parametrize("accept", ["1.2.3", "~>1.2", "", ">=1,,<2"])
def test_a_range_that_is_none_is_an_error(accept: str) -> None:
    with pytest.raises(RampartError, match="not a range"):
        accepts(accept, "1.2.3")


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        # As the real programs print it.
        ("etcd Version: 3.7.3\nGit SHA: Not provided\nGo Version: go1.26.8", "3.7.3"),
        ("Kubernetes v1.36.3", "1.36.3"),
        ("Client Version: v1.36.3\nKustomize Version: v5.8.1", "1.36.3"),
        ("containerd github.com/containerd/containerd/v2 v2.4.2 ", "2.4.2"),
        ("CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ", "1.15.0"),
        ("/usr/bin/registry github.com/distribution/distribution/v3 v3.1.2", "3.1.2"),
        ("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\ngo: go1.19.8", "1.1.5+ds1"),
        ("Debian clang version 19.1.7 (3~deb12u1)", "19.1.7"),
        ("BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.", "1.35.0"),
        ("Cilium 1.20.2 go version go1.26.8 linux/amd64", "1.20.2"),
    ],
)
def test_a_version_is_found_in_what_tools_print(printed: str, version: str) -> None:
    found = re.search(SAID, printed)
    assert found
    assert found.group(1) == version


def test_the_compilers_version_is_not_the_tools() -> None:
    assert re.search(SAID, "built with go1.26.8") is None
