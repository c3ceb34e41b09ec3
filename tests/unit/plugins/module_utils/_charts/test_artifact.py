# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A package is the same for the same files, and what was changed in a layout is no package."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts import artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.archive import BLOCK, normalised
from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.complaint import complaint, faults
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

from tests.support.layouts import layout

FILES = {"app/Chart.yaml": b"name: app\n", "app/large": b"x" * (BLOCK + 1), "app/a": b""}


def archive(files: dict[str, bytes], *, time: int = 0, mode: int = 0o600, level: int = 9) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=level) as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), time, mode
            packed.addfile(info, io.BytesIO(content))
    return out.getvalue()


def package(version: str = "1.0.0+build") -> Artifact:
    return Artifact.of({"name": "app", "version": version}, *normalised(archive(FILES)))


def test_the_same_files_give_the_same_bytes() -> None:
    tar, packed = normalised(archive(FILES))
    turned = dict(reversed(FILES.items()))
    assert normalised(archive(turned, time=7, mode=0o755, level=1)) == (tar, packed)
    assert normalised(archive({**FILES, "app/a": b"other"}))[1] != packed


def test_others_can_read_it() -> None:
    tar, packed = normalised(archive(FILES))
    assert gzip.decompress(packed) == tar
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as read:
        found = {member.name: member for member in read}
        assert list(found) == sorted(FILES)
        assert {(member.mtime, member.uid, member.mode) for member in found.values()} == {(0, 0, 0o644)}
        stream = read.extractfile("app/large")
        assert stream is not None
        assert stream.read() == FILES["app/large"]


def test_a_written_package_is_found_again_to_the_last_byte(tmp_path: Path) -> None:
    made, folder = package(), tmp_path / "charts" / "app"
    assert artifact.present(folder) == ""
    made.write(folder)
    assert artifact.present(folder) == made.digest
    found = artifact.resolve(f"oci:{folder}:1.0.0_build")
    assert (found.digest, found.path.read_bytes()) == (made.digest, made.package)
    found.path.write_bytes(b"another")
    assert artifact.present(folder) == ""
    with pytest.raises(RampartError):
        artifact.resolve(f"oci:{folder}")


def test_another_version_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    package().write(tmp_path / "app")
    (tmp_path / "app" / "signature-of-another").touch()
    package("2.0.0").write(tmp_path / "app")
    assert artifact.present(tmp_path / "app") == package("2.0.0").digest
    assert [each.name for each in tmp_path.iterdir()] == ["app"]
    assert not (tmp_path / "app" / "signature-of-another").exists()


def test_an_image_is_no_chart(tmp_path: Path) -> None:
    layout(tmp_path / "image", [{"a": b"a"}])
    with pytest.raises(RampartError, match="holds no chart"):
        artifact.resolve(f"oci:{tmp_path}/image")


def test_a_plain_chart_has_no_digest() -> None:
    assert artifact.resolve("/charts/app") == artifact.Package(Path("/charts/app"))


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("Error: UPGRADE FAILED: no such host\n", "no such host."),
        ("level=WARN msg=x\n2026/11/27 10:00:00 note\nError: a\n  b.\n", "a b."),
        ("Error: bad\n\nUse --debug flag to render out invalid YAML\n", "bad."),
        ("", "it said nothing."),
    ],
)
def test_the_reason_is_taken_out_of_what_helm_prints(stderr: str, said: str) -> None:
    assert complaint(stderr) == said


def test_the_faults_of_a_chart_are_named_with_the_part_that_has_them() -> None:
    printed = (
        "==> Linting /tmp/x/chart\n[INFO] Chart.yaml: icon is recommended\n"
        "[ERROR] /tmp/x/chart: chart metadata is missing these dependencies: common\n\n"
        "==> Linting /tmp/x/chart/charts/common-1.0.0.tgz\n[WARNING] templates/: directory does not exist\n"
    )
    assert faults(printed, "/tmp/x/chart") == [
        "chart metadata is missing these dependencies: common",
        "charts/common-1.0.0.tgz: templates/: directory does not exist",
    ]
