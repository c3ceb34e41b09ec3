# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_sbom with the real syft: what it writes is about the image, kept, and judged."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support.layouts import layout
from tests.support.modules import call
from tests.support.registries import real_registry

SYFT = shutil.which("syft")
CRANE = shutil.which("crane") or "crane"

pytestmark = pytest.mark.skipif(not SYFT, reason="syft is not on PATH")

DPKG = b"Package: tar\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.34\n\n"
METADATA = b"Metadata-Version: 2.4\nName: copyleft\nVersion: 1.0\nLicense-Expression: AGPL-3.0-only\n"
WHEEL = "usr/lib/python3/dist-packages/copyleft-1.0.dist-info"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "app"
    base = {"var/lib/dpkg/status": DPKG, "etc/os-release": b'ID=debian\nVERSION_ID="12"\n'}
    layout(folder, [base, {f"{WHEEL}/METADATA": METADATA, f"{WHEEL}/RECORD": b""}])
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sbom")


def sbom(kept: Path, *images: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
    arguments = {"syft": SYFT, "crane": CRANE, "directory": str(kept), "images": list(images), **options}
    return call("image_sbom", arguments, check=check)


def test_documents_are_written_once_and_name_the_image(image: Path, kept: Path, tmp_path: Path) -> None:
    wanted = {"image": f"oci:{image}"}
    would = sbom(tmp_path, wanted, check=True)
    assert would["changed"]
    assert not list(tmp_path.iterdir())
    first = sbom(kept, wanted, evidence_dir=str(tmp_path / "evidence"))
    assert (first["changed"], first["passed"]) == (True, True)
    (entry,) = first["images"]
    assert entry["packages"] == 2
    cyclonedx = json.loads(Path(entry["cyclonedx"]).read_text())
    spdx = json.loads(Path(entry["spdx"]).read_text())
    assert {each["name"] for each in cyclonedx["components"]} >= {"tar", "copyleft"}
    assert {each["name"] for each in spdx["packages"]} >= {"tar", "copyleft"}
    assert cyclonedx["metadata"]["component"]["version"] == entry["digest"]
    assert EvidenceStore(tmp_path / "evidence").latest("image_sbom", entry["digest"]) is not None
    before = Path(entry["cyclonedx"]).read_bytes()
    # A second run needs no syft but for its version.
    again = sbom(kept, wanted)
    assert not again["changed"]
    assert Path(entry["cyclonedx"]).read_bytes() == before


def test_licences_are_judged_by_the_policy(image: Path, kept: Path) -> None:
    wanted = {"image": f"oci:{image}"}
    denied = sbom(kept, wanted, licences={"deny": ["AGPL-*"]})
    assert "copyleft 1.0 carries AGPL-3.0-only" in denied["msg"]
    unknown = sbom(kept, wanted, licences={"unknown": "deny"})
    assert "tar 1.34 carries no licence" in unknown["msg"]
    assert "no SPDX identifier" in sbom(kept, wanted, licences={"allow": ["Appache-2.0"]})["msg"]


def test_an_image_without_packages_must_be_declared_empty(image: Path, kept: Path, tmp_path: Path) -> None:
    layout(tmp_path / "empty", [{"program": b"program"}])
    empty = {"image": f"oci:{tmp_path / 'empty'}"}
    assert "not declared empty" in sbom(kept, empty)["msg"]
    assert sbom(kept, {**empty, "empty": True})["passed"]
    assert (
        "is declared empty and has 2 packages" in sbom(kept, {"image": f"oci:{image}", "empty": True})["msg"]
    )


def test_only_the_image_that_is_meant_is_looked_into(image: Path, kept: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(image, both)
    layout(tmp_path / "other", [{"x": b"x"}], tag="2")
    shutil.copytree(tmp_path / "other" / "blobs", both / "blobs", dirs_exist_ok=True)
    index = json.loads((both / "index.json").read_text())
    other = json.loads((tmp_path / "other" / "index.json").read_text())["manifests"]
    (both / "index.json").write_text(json.dumps({**index, "manifests": index["manifests"] + other}))
    assert "several images" in sbom(kept, {"image": f"oci:{both}"})["msg"]
    assert sbom(kept, {"image": f"oci:{both}:1"})["images"][0]["packages"] == 2
    assert sbom(kept, {"image": f"oci:{both}:2", "empty": True})["images"][0]["packages"] == 0


def test_images_in_registries_are_looked_into(image: Path, kept: Path, tmp_path: Path) -> None:
    with real_registry(tmp_path) as url:
        remote = f"{url.removeprefix('http://')}/team/app:1"
        subprocess.run([CRANE, "push", str(image), remote], check=True, capture_output=True)
        assert sbom(kept, {"image": remote})["images"][0]["packages"] == 2
        assert not sbom(kept, {"image": remote})["changed"]


def test_a_tool_that_fails_is_no_pass(image: Path, tmp_path: Path) -> None:
    fake = tmp_path / "syft"
    wanted = {"image": f"oci:{image}"}

    def answer(script: str) -> str:
        fake.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "syft 1.54.0" && exit 0\n{script}\n')
        fake.chmod(0o755)
        return str(sbom(tmp_path / "kept", wanted, syft=str(fake))["msg"])

    assert "wrote no" in answer("exit 0")
    assert "failed with code 1" in answer("exit 1")
    write = 'for a in "$@"; do case "$a" in *=*) echo \'%s\' > "${a#*=}";; esac; done'
    assert "not whole JSON" in answer(write % '{"bomFormat"')
    assert "does not say that it is one" in answer(write % "{}")
    other = '{"bomFormat":"CycloneDX","metadata":{"component":{"version":"sha256:0"}}}'
    assert "is about sha256:0" in answer(write % other)
    assert not (tmp_path / "kept").exists()
