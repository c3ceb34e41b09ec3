# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How images may be named."""

from __future__ import annotations

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, Reference, parse

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("oci:/a/b", Reference(Place.LAYOUT, "/a/b")),
        ("oci:/a/b:1.0", Reference(Place.LAYOUT, "/a/b", "1.0")),
        (f"oci:/a/b:1.0@{DIGEST}", Reference(Place.LAYOUT, "/a/b", "1.0", DIGEST)),
        ("docker-archive:/a/b.tar", Reference(Place.ARCHIVE, "/a/b.tar")),
        ("localhost:5000/a/b:1", Reference(Place.REGISTRY, "localhost:5000/a/b", "1")),
        ("localhost/a", Reference(Place.REGISTRY, "localhost/a")),
        (f"registry.example.com/a@{DIGEST}", Reference(Place.REGISTRY, "registry.example.com/a", "", DIGEST)),
        ("[::1]:5000/a:1", Reference(Place.REGISTRY, "[::1]:5000/a", "1")),
        ("host:80/a", Reference(Place.REGISTRY, "host:80/a")),
    ],
)
def test_a_name_is_read_and_written_the_same(text: str, wanted: Reference) -> None:
    assert parse(text) == wanted
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nginx", "not of the form"),
        ("nginx:1", "not of the form"),
        ("library/nginx", "names no registry"),
        ("--help", "not of the form"),
        ("-x.com/a", "not of the form"),
        ("host.com/A", "not of the form"),
        ("host.com/a:--x", "is not a tag"),
        ("host.com/a@sha256:1", "not a sha256 digest"),
        ("host.com/a@md5:" + "0" * 64, "not a sha256 digest"),
        ("oci:a/b", "not absolute"),
        ("oci:/a/../b", "not absolute"),
        ("oci:/a:--x", "is not a tag"),
        ("http://host.com/a", "not of the form"),
        ("", "not of the form"),
    ],
)
def test_what_could_mean_something_else_is_refused(text: str, why: str) -> None:
    with pytest.raises(RampartError, match=why):
        parse(text)
