# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each runtime knows an image, and which nodes a minikube profile has."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load import crio, docker_engine
from ansible_collections.rampart.k8s.plugins.module_utils._load.containerd import Containerd
from ansible_collections.rampart.k8s.plugins.module_utils._load.crio import Crio
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, needs
from ansible_collections.rampart.k8s.plugins.module_utils._load.docker_engine import DockerEngine
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import MARK
from ansible_collections.rampart.k8s.plugins.module_utils._load.nodes import name_of, nodes_of, of_profile
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image

from tests.support.layouts import layout


class Machine:
    """Answers commands by what they end with, and keeps what is sent."""

    name = "n1"

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers
        self.sent: list[tuple[tuple[str, ...], bytes]] = []

    def run(
        self,
        *argv: str,
        pieces: Iterator[bytes] | None = None,
        accept: Sequence[int] = (0,),
        timeout: float | None = None,
    ) -> Completed:
        if pieces is not None:
            self.sent.append((argv, b"".join(pieces)))
        found = next((answer for key, answer in self._answers.items() if key in " ".join(argv)), "")
        return Completed(argv, 0, found, "", 0.0)


@pytest.fixture
def image(tmp_path: Path) -> NodeImage:
    layout(tmp_path / "image", [{"a": b"a"}, {"b": b"b"}, {"c": b"c"}], compress=True)
    return NodeImage.of(open_image(FolderMembers(tmp_path / "image")), "test.local/app:1")


def diff_ids(image: NodeImage) -> list[str]:
    return [layer.diff_id for layer in image.packed.layers]


def sections(*answers: str) -> str:
    return f"{MARK}\n".join(answers)


def unpacked(content: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for entry in archive:
            stream = archive.extractfile(entry)
            assert stream is not None
            found[entry.name] = stream.read()
    return found


def test_a_chain_names_a_layer_by_all_below_it() -> None:
    first, second = (f"sha256:{hashlib.sha256(each).hexdigest()}" for each in (b"1", b"2"))
    above = hashlib.sha256(f"{first} {second}".encode()).hexdigest()
    assert docker_engine.chain([first, second]) == [first, f"sha256:{above}"]
    assert docker_engine.chain([]) == []


def docker_machine(image: NodeImage, layers: Sequence[str], *, driver: str = "[]") -> Machine:
    listing = (
        f"test.local/app:1 sha256:{'0' * 64}\napp:2 {image.packed.id}\n<none>:<none> sha256:{'2' * 64}\n"
    )
    return Machine(
        {
            MARK: sections("x86_64\n", f"{driver}\n", listing, "app:2\n"),
            ".RootFS.Layers": f"{json.dumps(list(layers))}\nnull\n",
            "DockerRootDir": "/var/lib/docker\n",
            "stat": "10 4096\n",
        }
    )


def test_docker_is_asked_for_chains_of_layers_and_gets_the_others(image: NodeImage) -> None:
    # It has another image on the same two layers, and the third one on something else.
    machine = docker_machine(image, diff_ids(image)[:2])
    engine = DockerEngine(machine)
    holding = engine.holding()
    assert holding.names == {
        "test.local/app:1": f"sha256:{'0' * 64}",
        "docker.io/library/app:2": image.packed.id,
    }
    assert holding.platform == "linux/amd64"
    assert holding.uses("docker.io/library/app:2")
    view = engine.view(image)
    assert (view.names, view.means, view.by_digest) == (("test.local/app:1",), image.packed.id, False)
    [lacking] = needs([view], holding)
    assert len(lacking.parts) == 1
    engine.receive([lacking], Sent())
    [(argv, content)] = machine.sent
    assert argv == ("docker", "load", "--quiet")
    files = unpacked(content)
    [entry] = json.loads(files["manifest.json"])
    assert list(files)[-1] == "manifest.json"
    assert entry["RepoTags"] == ["test.local/app:1"]
    assert entry["Layers"] == [f"{each.removeprefix('sha256:')}/layer.tar" for each in diff_ids(image)]
    assert set(files) == {"manifest.json", entry["Config"], entry["Layers"][2]}
    assert engine.free() == 40960


def test_docker_with_the_store_of_containerd_is_refused(image: NodeImage) -> None:
    driver = '[["driver-type","io.containerd.snapshotter.v1"]]'
    with pytest.raises(RampartError, match="in containerd's store"):
        DockerEngine(docker_machine(image, [], driver=driver)).holding()


def test_an_empty_docker_has_nothing(image: NodeImage) -> None:
    machine = Machine({MARK: sections("aarch64\n", "[]\n", "", "")})
    assert DockerEngine(machine).holding() == Holding(platform="linux/arm64")


def test_crio_finds_layers_by_either_digest_and_gets_one_image_at_a_time(image: NodeImage) -> None:
    blobs = [layer.blob for layer in image.packed.layers if layer.blob]
    layers = [
        {"id": "1", "diff-digest": diff_ids(image)[0], "compressed-diff-digest": blobs[0].digest},
        {"id": "2"},
    ]
    images = [{"Id": "1", "Names": ["test.local/app:1"], "Digest": f"sha256:{'0' * 64}"}, {"Id": "2"}]
    machine = Machine(
        {
            MARK: sections("x86_64\n", json.dumps(images), json.dumps(layers), "test.local/app:1\n"),
            "GraphRoot": "/var/lib/containers/storage\n",
        }
    )
    node = Crio(machine)
    holding = node.holding()
    assert holding.names == {"test.local/app:1": f"sha256:{'0' * 64}"}
    assert holding.uses("test.local/app:1")
    [lacking] = needs([node.view(image)], holding)
    assert lacking.parts == (blobs[1].digest, blobs[2].digest)
    node.receive([lacking], Sent())
    [(argv, content)] = machine.sent
    assert argv == ("podman", "load", "--quiet")
    files = unpacked(content)
    assert {blob.file for blob in blobs[1:]} <= set(files)
    assert blobs[0].file not in files
    [entry] = json.loads(files["index.json"])["manifests"]
    assert entry["digest"] == image.target.digest
    assert entry["annotations"]["io.containerd.image.name"] == "test.local/app:1"


def test_an_answer_that_is_not_whole_is_an_error() -> None:
    machine = Machine({MARK: sections("x86_64\n", "[{", "[]", ""), "GraphRoot": "/x\n"})
    with pytest.raises(RampartError, match="not whole JSON"):
        Crio(machine).holding()
    assert crio.read_layers([]) == []
    with pytest.raises(RampartError, match="gives 1 answers to 5 questions"):
        Containerd(Machine({MARK: "x86_64\n"})).holding()
    with pytest.raises(RampartError, match="where it keeps its content"):
        Containerd(Machine({})).free()


def profile(home: Path, *nodes: str, driver: str = "docker", runtime: str = "containerd") -> dict[str, Any]:
    """As minikube 1.38 writes it, without what is not read."""
    folder = home / "profiles" / "demo"
    folder.mkdir(parents=True)
    config = {
        "Name": "demo",
        "Driver": driver,
        "KubernetesConfig": {"ContainerRuntime": runtime},
        "Nodes": [{"Name": name, "ControlPlane": not name, "Worker": True} for name in nodes],
    }
    (folder / "config.json").write_text(json.dumps(config))
    return {"profile": "demo", "home": str(home), "docker_host": "unix:///nowhere", "timeout": 600}


@pytest.mark.parametrize(
    ("runtime", "kind"), [("containerd", Containerd), ("docker", DockerEngine), ("crio", Crio)]
)
def test_every_node_of_a_profile_is_found(tmp_path: Path, runtime: str, kind: type) -> None:
    nodes = of_profile(profile(tmp_path, "", "m02", "m03", runtime=runtime), check_mode=False)
    assert [node.name for node in nodes] == ["demo", "demo-m02", "demo-m03"]
    assert {type(node) for node in nodes} == {kind}


@pytest.mark.parametrize(("profile", "sockets"), [(None, []), ("", []), ("demo", ["/a"])])
def test_no_nodes_or_two_kinds_are_refused(profile: str | None, sockets: list[str]) -> None:
    with pytest.raises(RampartError, match="not clear which nodes"):
        nodes_of({"profile": profile, "sockets": sockets}, check_mode=False)


def test_the_only_node_has_the_name_of_the_profile() -> None:
    assert name_of("demo", "m01", 1) == "demo"
    assert name_of("demo", "", 2) == "demo"
    assert name_of("demo", "m01", 2) == "demo-m01"


@pytest.mark.parametrize(
    ("more", "why"), [({"driver": "kvm2"}, "virtual machines"), ({"runtime": "rkt"}, "not known here")]
)
def test_what_cannot_be_reached_is_refused(tmp_path: Path, more: dict[str, str], why: str) -> None:
    with pytest.raises(RampartError, match=why):
        of_profile(profile(tmp_path, "", **more), check_mode=False)


def test_a_profile_that_is_not_there_is_to_come_in_check_mode_only(tmp_path: Path) -> None:
    given = {"profile": "demo", "home": str(tmp_path), "docker_host": "unix:///nowhere", "timeout": 600}
    assert [node.name for node in of_profile(given, check_mode=True)] == ["demo"]
    with pytest.raises(RampartError, match="There is no minikube profile demo"):
        of_profile(given, check_mode=False)
    profile(tmp_path, "")
    (tmp_path / "profiles/demo/config.json").write_text("{")
    with pytest.raises(RampartError, match="cannot be understood"):
        of_profile(given, check_mode=True)
