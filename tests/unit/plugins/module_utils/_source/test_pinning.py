# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lists of dependencies count as pinned."""

from __future__ import annotations

import json

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._source import dockerfile, pinning

HASH = "--hash=sha256:" + "0" * 64
DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("requirements.txt", "python"),
        ("a/requirements-dev.txt", "python"),
        ("web/package.json", "npm"),
        ("go.mod", "go"),
        ("Dockerfile", "docker"),
        ("b/app.Dockerfile", "docker"),
        ("README.md", ""),
        ("package-lock.json", ""),
    ],
)
def test_a_list_is_known_by_its_name(path: str, kind: str) -> None:
    assert pinning.kind_of(path) == kind


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"flask==3.0.0 {HASH}", ""),
        (f"flask[async]==3.0.0 ; python_version >= '3.11' {HASH}", ""),
        (f"flask==3.0.0 \\\n    {HASH}", ""),
        ("# comment", ""),
        ("-r other.txt", ""),
        ("flask==3.0.0", ":1: flask==3.0.0 has no hash"),
        (f"flask>=3 {HASH}", ":1: flask>=3 is not pinned with =="),
        (f"flask==3.* {HASH}", ":1: flask==3.* is not pinned with =="),
        ("flask", ":1: flask is not pinned with =="),
        ("flask==3.0.0,<4", ":1: flask==3.0.0,<4 is not pinned with =="),
        ("git+https://host/x", ":1: git+https://host/x is not a version of a package"),
        ("flask @ https://host/x.whl", ":1: flask is not a version of a package"),
        ("-e .", ":1: -e is not a version of a package"),
        ("--extra-index-url https://host", ":1: names another index, from which any name could be served"),
    ],
)
def test_python_requirements(line: str, said: str) -> None:
    assert list(pinning.python(line, hashes=True)) == ([said] if said else [])


def test_hashes_can_be_left_out() -> None:
    assert list(pinning.python("flask==3.0.0\n", hashes=False)) == []


def npm(package: object, lock: object | None) -> list[str]:
    files = {"w/package.json": json.dumps(package)}
    if lock is not None:
        files["w/package-lock.json"] = lock if isinstance(lock, str) else json.dumps(lock)
    return list(pinning.npm("w/package.json", frozenset(files), files.__getitem__))


GOOD = {"resolved": "https://registry/x.tgz", "integrity": "sha512-AAAA"}


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ({"packages": {"": {}, "node_modules/x": GOOD}}, ""),
        ({"packages": {"node_modules/x": GOOD, "w": {"link": True}}}, ""),
        (None, ": it has 1 dependencies and no package-lock.json"),
        ({"lockfileVersion": 1, "dependencies": {}}, "which does not list every package"),
        ({"packages": {}}, ": x is not in w/package-lock.json"),
        ({"packages": {"node_modules/x": {**GOOD, "integrity": ""}}}, "has no integrity"),
        ({"packages": {"node_modules/x": {**GOOD, "resolved": "http://h/x"}}}, "comes from http://h/x"),
        ("{", "is not JSON"),
    ],
)
def test_packages_of_npm(lock: object | None, said: str) -> None:
    found = npm({"dependencies": {"x": "^1"}}, lock)
    assert (len(found) == 1 and said in found[0]) if said else found == []


def test_a_package_without_dependencies_needs_no_lock() -> None:
    assert npm({"name": "x"}, None) == []


def go(mod: str, sums: str | None) -> list[str]:
    files = {"go.mod": mod}
    if sums is not None:
        files["go.sum"] = sums
    return list(pinning.go("go.mod", frozenset(files), files.__getitem__))


BLOCK = "module m\n\nrequire (\n\ta.com/x v1.0.0\n\tb.com/y v2.0.0 // indirect\n)\n"


@pytest.mark.parametrize(
    ("mod", "sums", "said"),
    [
        (BLOCK, "a.com/x v1.0.0 h1:a\nb.com/y v2.0.0/go.mod h1:b\n", ""),
        (BLOCK, "a.com/x v1.0.0 h1:a\n", ": b.com/y v2.0.0 has no sum in go.sum"),
        (BLOCK, None, ": it requires 2 modules and has no go.sum"),
        ("module m\n", None, ""),
        ("module m\nrequire a.com/x v1.0.0\nreplace a.com/x => ./x\n", None, ""),
        (
            "module m\nrequire a.com/x v1.0.0\nreplace a.com/x => c.com/x v3.0.0\n",
            "",
            ": c.com/x v3.0.0 has no sum",
        ),
    ],
)
def test_modules_of_go(mod: str, sums: str | None, said: str) -> None:
    found = go(mod, sums)
    assert (len(found) == 1 and said in found[0]) if said else found == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"FROM debian{DIGEST}\n", []),
        ("FROM scratch\n", []),
        ("FROM debian:12\n", [":1: the image debian:12 is not named by its digest"]),
        (f"FROM --platform=linux/amd64 debian{DIGEST} AS build\nFROM build\n", []),
        (f"ARG BASE=debian{DIGEST}\nFROM ${{BASE}}\n", []),
        ("ARG BASE\nFROM $BASE\n", [":2: the image $BASE (empty) is not named by its digest"]),
        (f"FROM debian{DIGEST} AS a\nCOPY --from=a /x /x\nCOPY --from=0 /x /x\n", []),
        (
            f"FROM debian{DIGEST}\nCOPY --chown=1 --from=nginx:1 /x /x\n",
            [":2: the image nginx:1 is not named by its digest"],
        ),
        (
            f"FROM debian{DIGEST}\nRUN --mount=type=bind,from=tools:1,target=/t true\n",
            [":2: the image tools:1 is not named by its digest"],
        ),
        (
            f"# syntax=docker/dockerfile:1\nFROM debian{DIGEST}\n",
            [":1: the frontend docker/dockerfile:1 is not named by its digest"],
        ),
        ("FROM \\\n  debian:12\n", [":1: the image debian:12 is not named by its digest"]),
    ],
)
def test_images_of_a_dockerfile(text: str, said: list[str]) -> None:
    assert list(dockerfile.violations(text)) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ARG BASE\nFROM ${BASE} AS build\nFROM $BASE\n", []),
        ("ARG OTHER\nFROM $OTHER\n", [":2: the image $OTHER (empty) is not named by its digest"]),
        ("ARG BASE\nFROM $BASE:12\n", [":2: the image $BASE:12 (:12) is not named by its digest"]),
        (
            "ARG BASE=debian:12\nFROM $BASE\n",
            [":2: the image $BASE (debian:12) is not named by its digest"],
        ),
    ],
)
def test_an_argument_that_the_builder_gives_needs_no_digest_of_its_own(text: str, said: list[str]) -> None:
    assert list(dockerfile.violations(text, frozenset({"BASE"}))) == said
