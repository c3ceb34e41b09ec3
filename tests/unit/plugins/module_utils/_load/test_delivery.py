# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A delivery ends when the node says that it has the images, and not before; trouble is tried once more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._load.containerd import Containerd
from ansible_collections.rampart.k8s.plugins.module_utils._load.decide import Holding, Need, View, needs
from ansible_collections.rampart.k8s.plugins.module_utils._load.delivery import Delivery
from ansible_collections.rampart.k8s.plugins.module_utils._load.image import NodeImage
from ansible_collections.rampart.k8s.plugins.module_utils._load.machine import ThisMachine
from ansible_collections.rampart.k8s.plugins.module_utils._load.stream import Sent, partial_layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import open_image

from tests.support.layouts import layout

NAME = "test.local/app:1"


class Node:
    """A node in memory that goes wrong as it is told to; one step of trouble for each import."""

    name = "n1"

    def __init__(self, *trouble: Callable[[Node], None], room: int = 10**9) -> None:
        self.names: dict[str, str] = {}
        self.blobs: set[str] = set()
        self.asked = 0
        self.down = 0
        self.imports = 0
        self.late = 0
        self._trouble = list(trouble)
        self._room = room

    def view(self, image: NodeImage) -> View:
        return Containerd(ThisMachine("n1", 1)).view(image)

    def holding(self) -> Holding:
        self.asked += 1
        if self.down:
            self.down -= 1
            raise RampartError("containerd does not answer")
        if self.late:
            self.late -= 1
            return Holding({}, frozenset(self.blobs), "linux/amd64")
        return Holding(dict(self.names), frozenset(self.blobs), "linux/amd64")

    def free(self) -> int:
        return self._room

    def receive(self, all_needs: Sequence[Need], sent: Sent) -> None:
        self.imports += 1
        for _piece in sent.counted(partial_layout(all_needs)):
            pass
        if self._trouble:
            self._trouble.pop(0)(self)
            return
        self.take(all_needs)

    def take(self, all_needs: Sequence[Need]) -> None:
        for one in all_needs:
            self.blobs |= {*one.parts}
            self.names |= dict.fromkeys(one.view.names, one.view.means)


def killed(node: Node) -> None:
    node.down = 3
    raise RampartError("ctr failed: the connection is closing")


def full(_node: Node) -> None:
    raise RampartError("ctr failed: write /x: no space left on device")


def nothing(_node: Node) -> None:
    """It ends well, and nothing is there."""


@pytest.fixture
def image(tmp_path: Path) -> NodeImage:
    layout(tmp_path / "image", [{"a": b"a"}, {"b": b"b"}])
    return NodeImage.of(open_image(FolderMembers(tmp_path / "image")), NAME)


def delivery(node: Node, image: NodeImage) -> Delivery:
    times = iter(range(10_000))
    return Delivery(
        node, [node.view(image)], node.holding(), lambda: float(next(times)), lambda _seconds: None
    )


def test_what_is_lacking_arrives(image: NodeImage) -> None:
    node = Node()
    one = delivery(node, image)
    one.run()
    assert node.imports == 1
    assert needs([node.view(image)], node.holding()) == []
    assert one.sent.bytes > 0


def test_content_that_was_collected_meanwhile_is_judged_before_it_is_sent(image: NodeImage) -> None:
    node = Node()
    one = delivery(node, image)

    def refuse(images: Iterable[NodeImage]) -> None:
        assert list(images) == [image]
        raise RampartError("nobody has signed it")

    one.approve = refuse
    with pytest.raises(RampartError, match="nobody has signed it"):
        one.run()
    assert node.imports == 0


def test_a_name_may_be_seen_a_little_later(image: NodeImage) -> None:
    node = Node()
    one = delivery(node, image)
    node.late = 3
    one.run()
    assert node.imports == 1


def test_fault_30_a_runtime_that_was_killed_gets_the_rest_once_it_is_back(image: NodeImage) -> None:
    node = Node(killed)
    delivery(node, image).run()
    assert node.imports == 2
    assert needs([node.view(image)], node.holding()) == []


def test_a_runtime_that_refuses_twice_is_believed(image: NodeImage) -> None:
    node = Node(killed, killed)
    with pytest.raises(RampartError, match="the connection is closing"):
        delivery(node, image).run()
    assert node.imports == 2


def test_an_import_that_ends_well_without_an_image_is_no_success(image: NodeImage) -> None:
    node = Node(nothing, nothing)
    with pytest.raises(RampartError, match=r"n1 does not have test\.local/app:1 although"):
        delivery(node, image).run()


def test_content_that_was_collected_in_between_is_sent(image: NodeImage) -> None:
    """The node had a layer when it was asked; at the import it is gone."""
    node = Node()
    node.take(needs([node.view(image)], Holding()))
    node.names.clear()
    one = delivery(node, image)
    lost = next(iter(image.blobs))
    node.blobs.discard(lost)
    one.run()
    assert node.imports == 2
    assert lost in node.blobs


@pytest.mark.parametrize(("trouble", "room"), [([full], 10**9), ([], 100)])
def test_fault_30_a_full_disk_is_told_in_bytes(
    image: NodeImage, trouble: list[Callable[[Node], None]], room: int
) -> None:
    node = Node(*trouble, room=room)
    with pytest.raises(RampartError, match=r"The disk of n1 is full") as caught:
        delivery(node, image).run()
    assert caught.value.details == {"bytes_needed": 2 * image.size, "bytes_free": room}
    assert node.imports == len(trouble)
    assert node.names == {}


def test_what_is_wrong_with_the_image_is_not_tried_again(image: NodeImage, tmp_path: Path) -> None:
    for path in (tmp_path / "image/blobs/sha256").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    node = Node()
    with pytest.raises(RampartError, match="is refused"):
        delivery(node, image).run()
    assert node.imports == 1
    assert node.names == {}
