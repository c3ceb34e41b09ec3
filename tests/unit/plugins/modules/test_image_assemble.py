# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.registries import (
    REAL,
    SmallRegistry,
    free_port,
    real_registry,
    small_registry,
)

Arguments = dict[str, Any]


@pytest.fixture
def server() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


@pytest.fixture(params=["small", "real"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "real" and REAL is None:
        pytest.skip("the registry is not on PATH")
    with contextlib.ExitStack() as stack:
        if request.param == "real":
            yield stack.enter_context(real_registry(tmp_path))
        else:
            yield stack.enter_context(small_registry()).url


@pytest.fixture
def image(tmp_path: Path) -> Arguments:
    source = tmp_path / "busybox"
    source.write_bytes(os.urandom(3_000_000))
    return {
        "name": "tools/busybox",
        "tag": "v1",
        "files": [
            {"path": "/bin/busybox", "source": str(source)},
            {"path": "/bin/sh", "link": "busybox"},
            {"path": "/tmp", "mode": "01777"},
        ],
        "entrypoint": ["/bin/sh"],
        "command": ["-c", "true"],
        "environment": {"PATH": "/bin"},
        "labels": {"a": "b"},
    }


def only(answer: dict[str, Any]) -> dict[str, Any]:
    assert not answer.get("failed"), answer["msg"]
    (entry,) = answer["images"]
    return dict(entry)


def test_check_do_check_do(url: str, image: Arguments) -> None:
    wanted = {"registry": url, "images": [image]}
    predicted = only(call("image_assemble", wanted, check=True))
    assert (predicted["action"], predicted["reason"]) == ("created", "the registry has no such tag")
    assert only(call("image_assemble", wanted, check=True)) == predicted
    done = call("image_assemble", wanted, diff=True)
    assert only(done) == predicted
    assert done["diff"] == {
        "before": {"tools/busybox:v1": "absent"},
        "after": {"tools/busybox:v1": predicted["digest"]},
    }
    for check in (True, False):
        again = call("image_assemble", wanted, check=check)
        assert not again["changed"]
        assert only(again)["digest"] == predicted["digest"]


def test_a_changed_file_moves_the_tag(url: str, image: Arguments) -> None:
    wanted = {"registry": url, "images": [image]}
    first = only(call("image_assemble", wanted))
    Path(image["files"][0]["source"]).write_bytes(b"another")
    second = only(call("image_assemble", wanted))
    assert (second["action"], second["reason"]) == ("replaced", "its tag names another image")
    assert first["digest"] != second["digest"]
    assert not call("image_assemble", wanted)["changed"]


def test_only_what_is_missing_is_sent(server: SmallRegistry, image: Arguments) -> None:
    wanted = {"registry": server.url, "images": [image]}
    call("image_assemble", wanted)
    server.asked.clear()
    assert not call("image_assemble", wanted)["changed"]
    assert server.writes() == []
    image["labels"] = {"a": "c"}
    call("image_assemble", wanted)
    assert [entry.split()[0] for entry in server.writes()] == ["POST", "PUT", "PUT"]
    server.asked.clear()
    image["tag"] = "v2"
    call("image_assemble", wanted)
    assert server.writes() == ["PUT /v2/tools/busybox/manifests/v2"]


def test_check_mode_writes_nothing(server: SmallRegistry, image: Arguments, tmp_path: Path) -> None:
    image["archive"] = str(tmp_path / "cache/busybox")
    wanted = {"registry": server.url, "images": [image], "digest_cache": str(tmp_path / "cache/digests")}
    assert call("image_assemble", wanted, check=True)["changed"]
    assert server.writes() == []
    assert not (tmp_path / "cache").exists()


def test_a_lost_blob_is_sent_again(server: SmallRegistry, image: Arguments) -> None:
    wanted = {"registry": server.url, "images": [image]}
    call("image_assemble", wanted)
    server.blobs.popitem()
    assert only(call("image_assemble", wanted))["reason"] == "the registry lacks a part of it"
    assert not call("image_assemble", wanted)["changed"]


def test_what_the_registry_stored_is_verified(server: SmallRegistry, image: Arguments) -> None:
    server.answer_instead = b'{"schemaVersion":2}'
    answer = call("image_assemble", {"registry": server.url, "images": [image]})
    assert answer["failed"]
    assert "was pushed" in answer["msg"]


def test_before_the_registry_is_up_it_would_be_pushed(image: Arguments) -> None:
    wanted = {"registry": f"http://127.0.0.1:{free_port()}", "images": [image]}
    assert only(call("image_assemble", wanted, check=True))["reason"] == "the registry is not up yet"
    answer = call("image_assemble", wanted)
    assert answer["failed"]
    assert "Nobody listens" in answer["msg"]


def test_before_its_files_exist_it_would_be_made(server: SmallRegistry, image: Arguments) -> None:
    image["files"][0]["source"] += ".later"
    wanted = {"registry": server.url, "images": [image]}
    predicted = only(call("image_assemble", wanted, check=True))
    assert (predicted["action"], predicted["digest"]) == ("created", "")
    assert "does not exist yet" in predicted["reason"]
    answer = call("image_assemble", wanted)
    assert answer["failed"]
    assert "cannot be made" in answer["msg"]
    assert server.writes() == []


def test_the_archive_is_as_docker_save_makes_it(image: Arguments, tmp_path: Path) -> None:
    archive = tmp_path / "cache/registry.example.com/busybox_v1"
    image |= {"archive": str(archive), "name": "registry.example.com/busybox"}
    done = only(call("image_assemble", {"images": [image]}))
    assert done["reason"] == "its archive does not exist"
    with tarfile.open(archive) as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = json.load(tar.extractfile(entry["Config"]))  # type: ignore[arg-type]
        with tarfile.open(fileobj=tar.extractfile(entry["Layers"][0])) as layer:
            names = layer.getnames()
    assert entry["RepoTags"] == ["registry.example.com/busybox:v1"]
    assert f"sha256:{entry['Config'].removesuffix('.json')}" == done["config_digest"]
    assert names == ["bin", "bin/busybox", "bin/sh", "tmp"]
    assert config["config"] == {
        "Cmd": ["-c", "true"],
        "Entrypoint": ["/bin/sh"],
        "Env": ["PATH=/bin"],
        "Labels": {"a": "b"},
        "User": "65532:65532",
        "WorkingDir": "/",
    }
    before = archive.stat()
    assert not call("image_assemble", {"images": [image]})["changed"]
    after = archive.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b""), "its archive cannot be read"),
        (lambda path: path.write_bytes(b"no tar at all" * 100), "its archive cannot be read"),
        (lambda path: os.truncate(path, 10_000), "its archive cannot be read"),
        (lambda path: path.unlink(), "its archive does not exist"),
        (
            lambda path: path.with_name(f".rampart-{path.name}.0123456789ab").touch(),
            "a killed run left a part of its archive",
        ),
    ],
)
def test_a_damaged_archive_is_written_again(
    image: Arguments, tmp_path: Path, damage: Any, reason: str
) -> None:
    archive = tmp_path / "archives/busybox"
    image["archive"] = str(archive)
    call("image_assemble", {"images": [image]})
    whole = archive.read_bytes()
    damage(archive)
    assert only(call("image_assemble", {"images": [image]}))["reason"] == reason
    assert archive.read_bytes() == whole
    assert [path.name for path in archive.parent.iterdir()] == ["busybox"]
    assert not call("image_assemble", {"images": [image]})["changed"]


def test_another_image_in_the_archive_is_replaced(image: Arguments, tmp_path: Path) -> None:
    image["archive"] = str(tmp_path / "archives/busybox")
    call("image_assemble", {"images": [image]})
    image["tag"] = "v2"
    done = only(call("image_assemble", {"images": [image]}))
    assert (done["action"], done["reason"]) == ("replaced", "its archive holds another image")


def test_many_images_are_made_at_once(server: SmallRegistry, image: Arguments) -> None:
    images = [{**image, "tag": f"v{number}"} for number in range(20)]
    answer = call("image_assemble", {"registry": server.url, "images": images})
    assert [entry["tag"] for entry in answer["images"]] == [f"v{number}" for number in range(20)]
    assert len(server.manifests) == 20
    assert not call("image_assemble", {"registry": server.url, "images": images})["changed"]


def test_no_file_is_held_in_memory(image: Arguments, tmp_path: Path) -> None:
    with Path(image["files"][0]["source"]).open("wb") as stream:
        stream.truncate(150_000_000)
    image["archive"] = str(tmp_path / "archives/big")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    call("image_assemble", {"images": [image]})
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 50_000_000


@pytest.mark.skipif(REAL is None, reason="the registry is not on PATH")
def test_a_registry_without_space_is_said_and_healed(image: Arguments, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    try:
        with real_registry(disk) as url:
            answer = call("image_assemble", {"registry": url, "images": [image]})
            assert answer["failed"]
            assert "The registry" in answer["msg"]
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            assert call("image_assemble", {"registry": url, "images": [image]})["changed"]
            assert not call("image_assemble", {"registry": url, "images": [image]})["changed"]
    finally:
        subprocess.run(["umount", disk], check=True)
