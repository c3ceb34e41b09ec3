# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.fetch_operation import FetchOperation
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node

# Stands for docker with a node in a folder: cat reads below root, anything else is shown.
DOCKER = """#!/bin/sh
case "$1 $2 $3" in
  inspect*) test -e "{root}/runs" && echo true || exit 1 ;;
  "exec node cat") cat "{root}/$5" ;;
  *) echo "$@"; case "$2" in --interactive) cat ;; esac ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node that runs."""
    tool = tmp_path / "bin" / "docker"
    tool.parent.mkdir()
    tool.write_text(DOCKER.format(root=tmp_path))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (tmp_path / "runs").touch()
    return tmp_path


def node(root: Path) -> Node:
    return Node("node", "unix:///nowhere", root)


def test_a_command_runs_in_the_node_and_takes_what_is_sent(root: Path) -> None:
    assert node(root).run("ctr", "images", "list").stdout == "exec node ctr images list\n"
    sent = node(root).run("ctr", "import", pieces=iter((b"a", b"b"))).stdout
    assert sent == "exec --interactive node ctr import\nab"


def test_a_machine_without_docker_has_no_node(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root / "nothing"))
    assert not node(root).runs()


def test_a_file_is_fetched_for_its_owner_only_and_once(root: Path) -> None:
    (root / "ca.crt").write_text("certificate\n")
    kept = root / "pki" / "etcd-ca.crt"
    operation = FetchOperation(node(root), {kept: "ca.crt"})
    plan = operation.plan()
    assert plan.changed
    assert "certificate" not in str(plan)
    operation.apply(plan)
    assert kept.read_text() == "certificate\n"
    assert kept.stat().st_mode & 0o7777 == 0o600
    assert not FetchOperation(node(root), {kept: "ca.crt"}).plan().changed


@pytest.mark.parametrize("harm", ["content", "mode", "leftover"])
def test_what_is_kept_wrongly_is_fetched_again(root: Path, harm: str) -> None:
    (root / "ca.crt").write_text("certificate\n")
    kept = root / "etcd-ca.crt"
    kept.write_text("another\n" if harm == "content" else "certificate\n")
    kept.chmod(0o644 if harm == "mode" else 0o600)
    if harm == "leftover":
        (root / ".rampart-etcd-ca.crt.0123456789ab").touch()
    operation = FetchOperation(node(root), {kept: "ca.crt"})
    plan = operation.plan()
    assert plan.changed
    operation.apply(plan)
    assert not FetchOperation(node(root), {kept: "ca.crt"}).plan().changed


def test_a_file_that_the_node_lacks_is_an_error(root: Path) -> None:
    with pytest.raises(RampartError, match=r"ca\.crt is not in the node"):
        FetchOperation(node(root), {root / "kept": "ca.crt"}).plan()


def test_what_is_kept_of_a_stopped_node_stays(root: Path) -> None:
    (root / "runs").unlink()
    (root / "kept").write_text("certificate\n")
    assert not FetchOperation(node(root), {root / "kept": "ca.crt"}).plan().changed
    operation = FetchOperation(node(root), {root / "missing": "ca.crt"})
    plan = operation.plan()
    assert plan.changed
    with pytest.raises(RampartError, match="does not run"):
        operation.apply(plan)
