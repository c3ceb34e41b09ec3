# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is no snapshot is refused; real ones are read in tests/integration/encryption."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.bolt import MAGIC, VERSION, _fnv1a
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_snapshot import Snapshot

PAGE = 4096


def meta(root: int, *, magic: int = MAGIC) -> bytes:
    body = struct.pack("<IIIIQQQQQ", magic, VERSION, PAGE, 0, root, 0, 2, 4, 1)
    return (struct.pack("<QHHI", 0, 4, 0, 0) + body + struct.pack("<Q", _fnv1a(body))).ljust(PAGE, b"\0")


def leaf(number: int, *, flags: int = 2, count: int = 0, rest: bytes = b"") -> bytes:
    return (struct.pack("<QHHI", number, flags, count, 0) + rest).ljust(PAGE, b"\0")


def sealed(*pages: bytes) -> bytes:
    content = b"".join(pages)
    return content + hashlib.sha256(content).digest()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"x" * 31, "no digest behind it"),
        (b"x" * PAGE, "no digest behind it"),
        (b"x" * (PAGE + 32), "its digest is another one"),
        (sealed(bytes(PAGE)), "no valid beginning"),
        (sealed(meta(3, magic=1), meta(3, magic=1)), "no valid beginning"),
        (sealed(meta(3), meta(3), bytes(PAGE), leaf(3)), "no bucket key"),
        (sealed(meta(3), meta(3), bytes(PAGE), leaf(9)), "page 3 is not where it should be"),
        (sealed(meta(3), meta(3)), "cut off"),
        (sealed(meta(3), meta(3), bytes(PAGE), leaf(3, flags=16)), "no page of a tree"),
        (
            sealed(meta(3), meta(3), bytes(PAGE), leaf(3, count=1, rest=struct.pack("<IIII", 0, 9999, 9, 9))),
            "page 3 is cut off",
        ),
        # A branch that leads to itself.
        (
            sealed(
                meta(3), meta(3), bytes(PAGE), leaf(3, flags=1, count=1, rest=struct.pack("<IIQ", 0, 0, 3))
            ),
            "not where it should be",
        ),
    ],
)
def test_what_is_no_snapshot_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "etcd.db"
    path.write_bytes(content)
    with pytest.raises(RampartError, match=said) as caught:
        Snapshot(str(path)).revision()
    assert caught.value.next_step


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="No such file"):
        Snapshot(str(tmp_path / "none"))


def test_one_broken_beginning_is_no_harm(tmp_path: Path) -> None:
    """A torn write can break one of the two; the other one leads on."""
    path = tmp_path / "etcd.db"
    path.write_bytes(sealed(bytes(PAGE), meta(3), bytes(PAGE), leaf(3)))
    with pytest.raises(RampartError, match="no bucket key"):
        Snapshot(str(path)).revision()
