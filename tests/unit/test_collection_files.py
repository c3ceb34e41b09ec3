# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every file of the collection."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.unit.collection import ROOT, load, playbooks, tracked

LINES = 400
LICENSE = "SPDX-License-Identifier: GPL-3.0-or-later"
LICENSED = (".py", ".sh", ".yml", ".yaml", ".j2", ".toml", ".cfg")

# Spelled in parts, so that this file does not hold what it looks for.
MACHINE_PATHS = re.compile(
    r"(?<![\w.$}~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me/[a-z]"]) + r")/"
)
REGISTRY_HOSTS = re.compile(
    r"|".join(
        part.replace("+", "")
        for part in [
            "pypi+[.]org",
            "pythonhosted+[.]org",
            "proxy[.]golang+[.]org",
            "sum[.]golang+[.]org",
            "deb[.]debian+[.]org",
        ]
    )
)
# What a tool generated: checksums, lock files, recorded outputs.
GENERATED = re.compile(
    r"(go[.](sum|mod)$|[.]lock$|^tests/fixtures/|/fixtures/|^COPYING$|^changelogs/changelog[.]yaml$|^awx/controller/job_templates[.]yml$)"
)


def texts(*suffixes: str) -> list[str]:
    """Name the tracked files that people wrote."""
    return [name for name in tracked() if not GENERATED.search(name) and name.endswith(suffixes or "")]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def test_no_file_has_grown_too_long() -> None:
    # The length of an argument specification follows from the options that it describes, and that
    # of the one list of tools from the tools and sums that stand in it.
    names = [
        name
        for name in texts(".py", ".yml", ".j2", ".sh", ".md")
        if not name.endswith("argument_specs.yml") and name != "roles/tools/vars/main.yml"
    ]
    assert [name for name in names if read(name).count("\n") > LINES] == []


def test_every_file_says_its_licence() -> None:
    # An empty __init__.py holds nothing to license.
    assert [name for name in texts(*LICENSED) if read(name) and LICENSE not in read(name)[:1200]] == []


def test_the_packages_of_module_utils_hold_nothing_themselves() -> None:
    inits = [name for name in tracked() if name.startswith("plugins/") and name.endswith("__init__.py")]
    assert [name for name in inits if read(name)] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    found = {name: match.group() for name in texts() if (match := MACHINE_PATHS.search(read(name)))}
    assert found == {}


def test_no_file_names_the_host_of_a_package_index() -> None:
    found = {name: match.group() for name in texts() if (match := REGISTRY_HOSTS.search(read(name)))}
    assert found == {}


def test_nothing_is_left_unfinished_or_swallowed() -> None:
    marks = re.compile(
        r"\b(TO" + r"DO|FIX" + r"ME|X"
        r"XX)\b|ignore_errors: *(true|yes)|failed_when: *false|changed_when: *true"
    )
    places = ("plugins/", "roles/", "playbooks/", "tests/", "scripts/", "molecule/")
    assert [name for name in texts() if name.startswith(places) and marks.search(read(name))] == []


def test_no_sanity_ignore_file_and_no_lint_skip() -> None:
    assert [name for name in tracked() if re.match(r"tests/sanity/ignore.*", name)] == []
    lint = load(".ansible-lint")
    assert lint["profile"] == "production"
    assert lint["skip_list"] == []
    assert lint["warn_list"] == []


def test_the_link_leads_to_the_collection() -> None:
    link = ROOT / "collections/ansible_collections/rampart/k8s"
    assert link.is_symlink()
    assert os.readlink(link) == "../../.."


def pins(name: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;]+)", read(name), flags=re.MULTILINE)
    return {package.lower(): version for package, version in found}


def test_every_requirement_is_pinned_once() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in read(name).splitlines() if line and not line.startswith(("#", "-r "))]
        assert [line for line in lines if "==" not in line] == []
    assert pins("requirements.txt").keys().isdisjoint(pins("requirements-dev.txt"))


def test_a_hook_brings_no_version_of_its_own() -> None:
    """The hooks call the tools of .venv; a second pin would drift from the first."""
    assert [repo["repo"] for repo in load(".pre-commit-config.yaml")["repos"]] == ["local"]


def test_every_playbook_parses() -> None:
    # One is for machines that have awx.awx, which the newest Python package ansible does not bring.
    needs_awx = {"playbooks/awx_apply.yml"} if find_spec("ansible_collections.awx") is None else set()
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "--syntax-check",
            "-i",
            "inventories/local",
            *(name for name in playbooks() if name not in needs_awx),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
