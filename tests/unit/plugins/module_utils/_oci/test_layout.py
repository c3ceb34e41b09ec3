# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layouts: every byte that is read is checked, and what is attached leaves the image alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import KIND, KIND_IMAGE, Layout
from ansible_collections.rampart.k8s.plugins.module_utils._oci.parts import opened
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Reference, parse

from tests.support import images
from tests.support.layouts import layout, put, tar

TYPE = "application/example"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    layout(tmp_path / "image", [{"a": b"a"}, {"b": b"b"}], compress=True)
    return tmp_path / "image"


def reference(folder: Path, more: str = "") -> Reference:
    return parse(f"oci:{folder}{more}")


def test_what_is_attached_is_found_by_its_subject(image: Path) -> None:
    store = Layout(image)
    found = store.resolve(reference(image))
    store.attach(found, TYPE, b"one", {"x": "y"})
    store.attach(found, TYPE, b"two", {})
    store.attach(found, "another/type", b"three", {})
    attached = [b"".join(store.stream(each)) for each in store.referrers(found.digest, TYPE)]
    assert sorted(attached) == [b"one", b"two"]
    assert store.referrers("sha256:" + "0" * 64, TYPE) == []
    (entry,) = store.index()["manifests"]
    assert entry["digest"] == found.digest
    assert entry["annotations"][KIND] == KIND_IMAGE
    store.check(found)


def test_only_one_image_of_a_layout_is_marked(image: Path, tmp_path: Path) -> None:
    layout(tmp_path / "other", [{"c": b"c"}], tag="2")
    index = json.loads((image / "index.json").read_text())
    other = json.loads((tmp_path / "other" / "index.json").read_text())["manifests"]
    for blob in (tmp_path / "other" / "blobs" / "sha256").iterdir():
        (image / "blobs" / "sha256" / blob.name).write_bytes(blob.read_bytes())
    (image / "index.json").write_text(json.dumps({**index, "manifests": index["manifests"] + other}))
    store = Layout(image)
    with pytest.raises(RampartError, match="several images"):
        store.resolve(reference(image))
    for tag in ("1", "2"):
        store.attach(store.resolve(reference(image, f":{tag}")), TYPE, b"x", {})
        listed = [each["annotations"] for each in store.index()["manifests"]]
        marked = [each for each in listed if each.get(KIND) == KIND_IMAGE]
        assert [each["org.opencontainers.image.ref.name"] for each in marked] == [tag]
    with pytest.raises(RampartError, match="no image 3"):
        store.resolve(reference(image, ":3"))


def spoil_index(image: Path) -> None:
    (image / "index.json").write_text("{")


def spoil_manifests(image: Path) -> None:
    (image / "index.json").write_text('{"manifests": {}}')


def spoil_version(image: Path) -> None:
    (image / "oci-layout").write_text('{"imageLayoutVersion": "2"}')


def spoil_digest(image: Path) -> None:
    (image / "index.json").write_text('{"manifests": [{"digest": "sha256:../../x", "size": 1}]}')


def remove_index(image: Path) -> None:
    (image / "index.json").unlink()


def remove_blob(image: Path) -> None:
    next(iter((image / "blobs" / "sha256").iterdir())).unlink()


def grow_blob(image: Path) -> None:
    with next(iter((image / "blobs" / "sha256").iterdir())).open("ab") as blob:
        blob.write(b"x")


def change_manifest(image: Path) -> None:
    digest = json.loads((image / "index.json").read_text())["manifests"][0]["digest"]
    (image / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_text("[]")


def enlarge_manifest(image: Path) -> None:
    index = json.loads((image / "index.json").read_text())
    index["manifests"][0]["size"] = 2**40
    (image / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoil_index, "is no JSON"),
        (spoil_manifests, "lists no manifests"),
        (spoil_version, "layout version is not"),
        (spoil_digest, "without a sha256 digest"),
        (remove_index, "does not hold index.json"),
        (remove_blob, "does not hold blobs"),
        (grow_blob, "not what its name says"),
        (change_manifest, "not what its name says"),
        (enlarge_manifest, "has more than"),
    ],
)
def test_a_broken_layout_is_refused(image: Path, spoil: Callable[[Path], None], why: str) -> None:
    spoil(image)
    store = Layout(image)
    with pytest.raises(RampartError, match=why):
        store.check(store.resolve(reference(image)))


def test_a_manifest_that_was_planted_among_the_blobs_is_noticed(image: Path) -> None:
    store = Layout(image)
    digest = store.resolve(reference(image)).digest
    (image / "blobs" / "sha256" / ("0" * 64)).write_text(json.dumps({"subject": {"digest": digest}}))
    with pytest.raises(RampartError, match="not what its name says"):
        store.referrers(digest, TYPE)


def test_the_parts_of_an_image_are_laid_out_and_removed(image: Path, tmp_path: Path) -> None:
    with opened(reference(image), Cli("false")) as parts:
        assert sorted(path.name for path in parts.folder.iterdir()) == ["000.tar.gz", "001.tar.gz"]
        assert list(parts.layers) == ["000.tar.gz", "001.tar.gz"]
        assert parts.configs[0]["os"] == "linux"
        folder = parts.folder
    assert not folder.exists()
    assert sorted(path.name for path in image.iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_an_index_is_laid_out_with_the_platforms_that_are_there(image: Path) -> None:
    found = Layout(image).resolve(reference(image))
    here = {"mediaType": found.media_type, "digest": found.digest, "size": found.size}
    index = {"schemaVersion": 2, "manifests": [here, {**here, "digest": "sha256:" + "0" * 64}]}
    kind = "application/vnd.oci.image.index.v1+json"
    entry = put(image, json.dumps(index).encode(), kind)
    (image / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    Layout(image).check(Layout(image).resolve(reference(image)))
    with opened(reference(image), Cli("false")) as parts:
        assert len(parts.layers) == 2
        assert parts.digest == entry["digest"]
    empty = put(image, json.dumps({"schemaVersion": 2, "manifests": []}).encode(), kind)
    (image / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [empty]}))
    with (
        pytest.raises(RampartError, match="names no image that is there"),
        opened(reference(image), Cli("false")),
    ):
        pass


def test_an_archive_gives_the_layers_that_it_lists(tmp_path: Path) -> None:
    made = images.docker_archive(tmp_path / "image.tar", [tar({"a": b"a"})])
    with opened(parse(f"docker-archive:{tmp_path / 'image.tar'}"), Cli("false")) as parts:
        assert list(parts.layers) == ["000.tar"]
        assert (parts.folder / "000.tar").read_bytes() == tar({"a": b"a"})
        assert parts.digest == made
    assert [path.name for path in tmp_path.iterdir()] == ["image.tar"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"hello")
    for path, why in (("x.tar", "rule whole"), ("missing.tar", "Could not read")):
        with (
            pytest.raises(RampartError, match=why),
            opened(parse(f"docker-archive:{tmp_path / path}"), Cli("false")),
        ):
            pass
