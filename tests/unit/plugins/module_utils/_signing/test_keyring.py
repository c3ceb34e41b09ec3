# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of signing keys."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._signing import keyring
from ansible_collections.rampart.k8s.plugins.module_utils._signing.folder import KeyFolder, read_ring
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import Key, Ring, State
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)


def key(
    state: State = State.ACTIVE, *, source: str = "file:x.key", expires: str = "2027-01-01T00:00:00Z"
) -> Key:
    public = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    return Key(keyring.key_id(public), public, source, "2026-01-01T00:00:00Z", expires, state)


def test_a_successor_signs_and_the_one_before_stays_accepted() -> None:
    old, new = key(), key()
    ring = Ring((old,)).succeed(new)
    assert [each.state for each in ring.keys] == [State.ACCEPTED, State.ACTIVE]
    assert ring.active == new
    with pytest.raises(RampartError, match="in the ring already, as accepted"):
        ring.succeed(old)


def test_what_is_retired_stays_so() -> None:
    old = key()
    ring = Ring((old,)).retire([old.id], NOW)
    assert ring.keys[0].retired == "2026-11-22T10:00:00Z"
    later = NOW + datetime.timedelta(days=1)
    assert ring.retire([old.id], later) == ring
    assert ring.active is None


def test_a_key_is_refused_when_its_time_is_over() -> None:
    assert key().refusal(NOW) == ""
    assert key(expires="").refusal(NOW) == ""
    assert "expired on" in key(expires="2026-11-22T10:00:00Z").refusal(NOW)
    assert "retired on" in replace(key(), state=State.RETIRED, retired="then").refusal(NOW)


def test_a_result_shows_nothing_that_opens_a_key() -> None:
    shown = key(source="pkcs11:token=t;object=o?module-path=/lib/x.so&pin-source=file:/pin").public()
    assert shown["source"] == "pkcs11:token=t;object=o"
    assert "public_key" not in shown


def test_a_ring_survives_its_file(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    assert folder.ring() == Ring()
    ring = Ring((key(State.ACCEPTED), key()))
    folder.write(ring)
    assert folder.ring() == ring
    assert oct(folder.path.stat().st_mode & 0o777) == "0o644"


def broken(change: Any) -> Any:
    ring = Ring((key(State.ACCEPTED), key())).data()
    change(ring)
    return ring


@pytest.mark.parametrize(
    "change",
    [
        lambda ring: ring.update(version=2),
        lambda ring: ring.pop("keys"),
        lambda ring: ring["keys"][0].pop("public_key"),
        lambda ring: ring["keys"][0].update(state="trusted"),
        lambda ring: ring["keys"][0].update(id="sha256:0"),
        lambda ring: ring["keys"][0].update(expires="soon"),
        lambda ring: ring["keys"][0].update(expires="2027-01-01T00:00:00"),
        lambda ring: ring["keys"][0].update(state="active"),
        lambda ring: ring["keys"].append(ring["keys"][0]),
        lambda ring: ring["keys"].append(None),
    ],
)
def test_a_ring_that_cannot_be_understood_trusts_nobody(change: Any) -> None:
    with pytest.raises(RampartError, match=r"cannot be understood|contradicts itself"):
        keyring.read(broken(change), "ring")


def test_a_ring_must_be_there_and_be_json(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="No such file"):
        read_ring(tmp_path / "keyring.json")
    (tmp_path / "keyring.json").write_text("{")
    with pytest.raises(RampartError, match="not JSON"):
        read_ring(tmp_path / "keyring.json")


def test_only_keys_of_killed_runs_are_swept(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    known = key()
    known = replace(known, source=folder.keep(b"private", known.id))
    stray = tmp_path / ("signing-" + "0" * 16 + ".key")
    stray.write_text("stray")
    (tmp_path / "server.key").write_text("of somebody else")
    (tmp_path / ".rampart-x").mkdir()
    ring = Ring((known,))
    assert [path.name for path in folder.leftovers(ring)] == [".rampart-x", stray.name]
    folder.sweep(ring)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["server.key", known.source.removeprefix("file:")]
    )
    assert folder.reference(known) == str(tmp_path / known.source.removeprefix("file:"))


def test_a_private_key_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    with pytest.raises(RampartError, match="is gone"):
        folder.reference(key(source="file:signing-0.key"))
    with pytest.raises(RampartError, match="Only the public part"):
        folder.reference(key(source=""))
    assert folder.reference(key(source="hashivault://k")) == "hashivault://k"


def test_what_is_no_public_key_is_said() -> None:
    with pytest.raises(RampartError, match="is none"):
        keyring.key_id("hello")
    assert keyring.hint_id("") == ""
    assert keyring.hint_id("AAAA") == ""
    assert keyring.hint_id("*") == ""
    assert json.dumps(Ring((key(),)).data())
