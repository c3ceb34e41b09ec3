# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three ways to run the collection, each from nothing but what git tracks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.checkouts import clean_environment, clone, requirements, run

# An empty machine: the state and the tools lie where nothing is yet. A cluster that runs beside this test
# would be seen (only one of a machine can have Cilium), as Molecule would see it later.
INVENTORY = """\
---
all:
  hosts:
    empty:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      cluster_driver: embedded
      cluster_name: ways
      cluster_index: 59
      cluster_state_dir: {empty}/state
      tools_prefix: {empty}/tools
"""


@dataclass(frozen=True, slots=True)
class Way:
    """How one way starts a playbook, and where its collection must come from."""

    name: str
    collection: Path
    cwd: Path
    environment: dict[str, str]
    command: Callable[[str, tuple[str, ...]], list[str]]

    def playbook(self, stage: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook by its name (`site`, `preflight`) and return what it left."""
        return run(self.command(stage, arguments), cwd=self.cwd, environment=self.environment)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that nothing may write to; it stands for the machine."""
    return tmp_path_factory.mktemp("machine")


@pytest.fixture(scope="session")
def inventory(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inventory of the empty machine, outside of every checkout."""
    path = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    path.write_text(INVENTORY.format(empty=empty))
    return path


def bare_clone(base: Path, inventory: Path) -> Way:
    """A clone and ansible-playbook; names resolve through the tracked link."""
    project = clone(base / "checkout")

    def command(stage: str, arguments: tuple[str, ...]) -> list[str]:
        playbook = "site.yml" if stage == "site" else f"playbooks/{stage}.yml"
        return ["ansible-playbook", "-i", str(inventory), playbook, *arguments]

    collection = project / "collections/ansible_collections/rampart/k8s"
    return Way("bare clone", collection, project, clean_environment(base / "home"), command)


def installed_collection(base: Path, inventory: Path) -> Way:
    """A built artifact, installed into a path that holds nothing else."""
    source = clone(base / "source")
    environment = clean_environment(base / "home")
    built = run(
        ["ansible-galaxy", "collection", "build", "--output-path", str(base)],
        cwd=source,
        environment=environment,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (artifact,) = base.glob("rampart-k8s-*.tar.gz")
    path = base / "installed"
    install = [
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--collections-path",
        str(path),
        str(artifact),
    ]
    done = run(install, cwd=base, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    elsewhere = base / "elsewhere"
    elsewhere.mkdir()

    def command(stage: str, arguments: tuple[str, ...]) -> list[str]:
        return ["ansible-playbook", "-i", str(inventory), f"rampart.k8s.{stage}", *arguments]

    environment["ANSIBLE_COLLECTIONS_PATH"] = str(path)
    collection = path / "ansible_collections/rampart/k8s"
    return Way("installed collection", collection, elsewhere, environment, command)


def awx_checkout(base: Path, inventory: Path) -> Way:
    """What AWX does with a project: requirements into a folder, paths by environment, ansible-runner."""
    project = clone(base / "project")
    environment = requirements(project, base)

    def command(stage: str, arguments: tuple[str, ...]) -> list[str]:
        playbook = "site.yml" if stage == "site" else f"playbooks/{stage}.yml"
        # Always said, as AWX does: ansible-runner keeps the arguments of a call for the next one without any.
        cmdline = f"--cmdline={' '.join(('--forks=5', *arguments))}"
        return ["ansible-runner", "run", str(base), "--inventory", str(inventory), "-p", playbook, cmdline]

    collection = project / "collections/ansible_collections/rampart/k8s"
    return Way("AWX checkout", collection, project, environment, command)


WAYS = [bare_clone, installed_collection, awx_checkout]


@pytest.fixture(scope="session", params=WAYS, ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, inventory: Path) -> Way:
    """Each of the three ways, made once."""
    made: Way = request.param(tmp_path_factory.mktemp("way"), inventory)
    return made
