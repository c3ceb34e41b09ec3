# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import output_name, parse, safe_place
from ansible_collections.rampart.k8s.tests.support.tools import entry, go_entry

ROOT = Path(__file__).parents[5]
CATALOGUE = yaml.safe_load((ROOT / "roles/tools/vars/main.yml").read_text())["tools_catalogue"]
DEFAULTS = yaml.safe_load((ROOT / "roles/tools/defaults/main.yml").read_text())
SUM = "0" * 64


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: str(item["name"]))
def test_the_list_is_right_for_each_architecture(item: dict[str, Any], architecture: str) -> None:
    tool = parse(item, architecture)
    assert tool.release or tool.go or (tool.system and (tool.system.package or tool.system.python))
    assert all(file.url.startswith("https://") for file in tool.release)
    assert bool(tool.release) == bool(item.get("release"))
    if tool.go:
        folder = ROOT / "roles/tools/files" / tool.go.folder
        assert (folder / "go.mod").is_file()
        assert (folder / "go.sum").is_file()
        assert tool.version in (folder / "go.mod").read_text()


def test_what_is_wanted_by_default_stands_in_the_list() -> None:
    names = [item["name"] for item in CATALOGUE]
    assert len(names) == len(set(names))
    sets = {name: wanted for name, wanted in DEFAULTS.items() if re.match("tools_(wanted|for_)", name)}
    assert len(sets) > 1
    for wanted in sets.values():
        assert set(wanted) <= set(names)


def test_a_python_package_has_the_version_that_the_requirements_pin() -> None:
    pinned = (ROOT / "requirements.txt").read_text().splitlines()
    named = {item["system"]["python"]: item["version"] for item in CATALOGUE
             if item.get("system", {}).get("python")}  # fmt: skip
    assert named
    for package, version in named.items():
        assert f"{package}=={version}" in pinned


def test_the_release_of_another_architecture_is_not_used() -> None:
    file = {"url": "https://x.test/hello", "sha256": SUM, "place": "bin/hello"}
    item = entry(release={"arm64": [file]})
    assert parse(item, "amd64").release == ()
    assert parse(item, "arm64").release[0].place == "bin/hello"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "../hello"}, "name may hold"),
        ({"version": "1/2"}, "version may hold"),
        ({"provides": []}, "provides nothing"),
        ({"provides": ["../bin/hello"], "system": None}, "not a place"),
        ({"provides": ["/bin/hello"], "system": None}, "not a place"),
        ({"provides": ["bin/../../hello"], "system": None}, "not a place"),
        ({"provides": ["etc/hello"], "system": None}, "not a place"),
        ({"system": {"ask": {"bin/other": ["-v"]}}}, "does not provide"),
        ({"system": {"programs": {"bin/other": "x"}}}, "does not provide"),
        ({"release": {"amd64": [{"url": "https://x", "sha256": "ab", "place": "bin/b"}]}}, "not a sha256"),
        ({"release": {"amd64": [{"url": "https://x", "sha256": SUM, "place": "bin/b"}]}}, "exactly"),
        ({"release": {"amd64": [{"url": "https://x", "sha256": SUM, "members": {"bin/b": "b"}}]}}, "exactly"),
        ({"go": {"folder": "hello", "packages": {}}}, "must build everything"),
        ({"provides": ["bin/a", "bin/b"], "system": None,
          "go": {"folder": "x", "packages": {"bin/a": "m.test/x", "bin/b": "m.test/y/x/v2"}}}, "same name"),
        ({"data": {"share/../x": {"module": "m", "path": "p"}}}, "not a place"),
        ({"data": {"elsewhere/x": {"module": "m", "path": "p"}}}, "not a place"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(RampartError, match=complaint):
        parse({**entry(), **change}, "amd64")


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("go.etcd.io/etcd/server/v3", "server"),
        ("github.com/coredns/coredns", "coredns"),
        ("helm.sh/helm/v3/cmd/helm", "helm"),
    ],
)
def test_output_name(package: str, name: str) -> None:
    assert output_name(package) == name


def test_the_accepted_version_is_the_wanted_one_unless_it_says_more() -> None:
    assert parse(go_entry(), "amd64").accepted() == "==1.2.3"
    assert parse(entry(system={"accept": ">=1"}), "amd64").accepted() == ">=1"


@pytest.mark.parametrize(
    ("place", "safe"),
    [
        ("bin/x", True),
        ("libexec/cni/x", True),
        ("share/x/y/z.c", True),
        ("bin", False),
        ("bin/", False),
        ("bin//x", False),
        ("bin/./x", False),
        ("bin/../x", False),
        ("/bin/x", False),
        ("x/bin/y", False),
        ("bin/x\0y", False),
    ],
)
def test_safe_place(place: str, safe: bool) -> None:
    assert safe_place(place) is safe
