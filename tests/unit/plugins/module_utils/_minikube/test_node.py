# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.fetch_operation import FetchOperation
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.load_operation import (
    LoadOperation,
    Wanted,
)
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.node import Node, image_ids

# As crictl 1.36 answers.
COREDNS = "sha256:c729cdd8b1486187be27086ea5b9c489f40c88502bf530a29155b0824dfabfff"
CRICTL = {
    "images": [
        {
            "id": COREDNS,
            "repoTags": ["registry.k8s.io/coredns/coredns:v1.14.2"],
            "repoDigests": [],
            "size": "78809889",
            "uid": {"value": "65532"},
            "username": "",
            "spec": None,
            "pinned": False,
        },
        {"id": "sha256:bb", "repoTags": [], "repoDigests": ["x@sha256:00"]},
    ]
}
PROBE = "rampart.local/probe:1"

# Stands for docker with a node in a folder: `images` answers crictl, an import sets it, cat reads below root.
DOCKER = """#!/bin/sh
case "$1 $2 $3" in
  inspect*) test -e "{root}/runs" && echo true || exit 1 ;;
  "exec node crictl") cat "{root}/images" ;;
  "exec --interactive node") cat > "{root}/images" ;;
  "exec node cat") cat "{root}/$5" ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node that runs, without images."""
    tool = tmp_path / "bin" / "docker"
    tool.parent.mkdir()
    tool.write_text(DOCKER.format(root=tmp_path))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    (tmp_path / "runs").touch()
    (tmp_path / "images").write_text('{"images": []}')
    return tmp_path


def node(root: Path) -> Node:
    return Node("node", "unix:///nowhere", root)


def load(root: Path, archive: str, clock: Callable[[], float] = lambda: 0.0) -> LoadOperation:
    """The archive is what the node's crictl answers after the import."""
    (root / "archive").write_text(archive)
    wanted = [Wanted(PROBE, root / "archive", "sha256:aa")]
    return LoadOperation(node(root), wanted, Progress(None), clock, pause=lambda _: None)


GOOD = f'{{"images": [{{"id": "sha256:aa", "repoTags": ["{PROBE}"]}}]}}'
OTHER = f'{{"images": [{{"id": "sha256:bb", "repoTags": ["{PROBE}"]}}]}}'


def test_an_image_is_known_by_each_of_its_names() -> None:
    assert image_ids(CRICTL) == {"registry.k8s.io/coredns/coredns:v1.14.2": COREDNS}
    assert image_ids({}) == {}


def test_a_missing_image_is_loaded_once(root: Path) -> None:
    operation = load(root, GOOD)
    plan = operation.plan()
    assert plan.changed
    assert plan.result == {"loaded": [PROBE]}
    operation.apply(plan)
    assert not load(root, GOOD).plan().changed


def test_another_image_under_the_name_is_replaced(root: Path) -> None:
    (root / "images").write_text(OTHER)
    plan = load(root, GOOD).plan()
    assert (plan.changed, plan.before) == (True, {PROBE: "sha256:bb"})


def test_an_import_that_brings_another_image_is_an_error(root: Path) -> None:
    times = iter([0.0, 5.0, 11.0])
    operation = load(root, OTHER, lambda: next(times))
    with pytest.raises(RampartError, match=r"does not have rampart\.local/probe:1 although"):
        operation.apply(operation.plan())


def test_a_missing_archive_is_named(root: Path) -> None:
    operation = load(root, GOOD)
    plan = operation.plan()
    (root / "archive").unlink()
    with pytest.raises(RampartError, match="Could not read the archive"):
        operation.apply(plan)


def test_an_image_without_an_id_can_be_planned_and_not_loaded(root: Path) -> None:
    operation = LoadOperation(node(root), [Wanted(PROBE, root / "archive", "")], Progress(None))
    plan = operation.plan()
    assert plan.after == {PROBE: "not known yet"}
    with pytest.raises(RampartError, match="has no id"):
        operation.apply(plan)


def test_nothing_is_loaded_into_a_node_that_does_not_run(root: Path) -> None:
    (root / "runs").unlink()
    operation = load(root, GOOD)
    plan = operation.plan()
    assert "not up" in plan.reason
    with pytest.raises(RampartError, match="does not run"):
        operation.apply(plan)


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
