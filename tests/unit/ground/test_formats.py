# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written for the tools: images, databases, and packages that must have their sums."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import sqlite3
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import Layer
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry

from tests.ground import grype_db, rootfs, trivy_db
from tests.ground.advisories import advisories, ended_releases
from tests.ground.oci import Plan, write
from tests.ground.packages import UNPACKED, Package, Store, alone, right_sum, run

NOW = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)


def tree(folder: Path) -> tuple[Entry, ...]:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/shell").write_bytes(b"#!")
    (folder / "bin/shell").chmod(0o4755)
    (folder / "sh").symlink_to("bin/shell")
    return tuple(rootfs.entries(folder))


def test_an_image_is_the_same_wherever_it_is_built(tmp_path: Path) -> None:
    settings = {"User": "1:1", "Cmd": ["/sh"]}
    first, second = (
        write(
            Plan("x", (Layer(tree(tmp_path / name / "root"), "COPY"),), settings, ("USER 1:1",)),
            tmp_path / name / "out",
        )
        for name in ("a", "b")
    )
    assert first.digest == second.digest
    assert first.archive.read_bytes() == second.archive.read_bytes()


def test_the_layout_and_the_archive_hold_what_was_put_in(tmp_path: Path) -> None:
    plan = Plan("x", (Layer(tree(tmp_path / "root"), "COPY"),), {"Env": ["A=b"]}, ("ENV A=b",))
    made = write(plan, tmp_path / "out")
    blobs = made.layout / "blobs/sha256"
    for blob in blobs.iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    (listed,) = json.loads((made.layout / "index.json").read_bytes())["manifests"]
    assert listed["digest"] == made.digest
    config = json.loads((blobs / made.config_digest.removeprefix("sha256:")).read_bytes())
    assert config["config"] == {"Env": ["A=b"]}
    assert [line.get("empty_layer", False) for line in config["history"]] == [False, True]
    with tarfile.open(made.archive) as archive:
        (image,) = json.load(archive.extractfile("manifest.json") or pytest.fail("no manifest"))
        layer = archive.extractfile(image["Layers"][0]) or pytest.fail("no layer")
        with tarfile.open(fileobj=layer) as content:
            assert {member.name: oct(member.mode) for member in content if member.isreg()} == {
                "bin/shell": "0o4755"
            }
            assert content.getmember("sh").linkname == "bin/shell"
    assert image["RepoTags"] == ["ground/x:1"]


def test_a_package_without_its_sum_is_refused(tmp_path: Path) -> None:
    def fetch(_missing: Sequence[Package], folder: Path) -> None:
        (folder / "x.deb").write_bytes(b"another")

    with pytest.raises(RuntimeError, match=r"No file that came for x 1 has the sum .*: x\.deb"):
        Store(tmp_path)._get([Package("x", "1", "0" * 64)], fetch)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    content = b"content"
    package = Package("x", "1", hashlib.sha256(content).hexdigest())

    def fetch(_missing: Sequence[Package], folder: Path) -> None:
        (folder / "x.deb").write_bytes(content)

    def refuse(_missing: Sequence[Package], _folder: Path) -> None:
        pytest.fail("fetched again")

    (file,) = Store(tmp_path)._get([package], fetch)
    assert file.read_bytes() == content
    assert Store(tmp_path)._get([package], refuse) == [file]


def test_both_kinds_of_sums() -> None:
    npm = f"sha512-{base64.b64encode(hashlib.sha512(b'x').digest()).decode()}"
    assert right_sum(b"x", npm)
    assert not right_sum(b"y", npm)
    assert right_sum(b"x", hashlib.sha256(b"x").hexdigest())
    assert not right_sum(b"y", hashlib.sha256(b"x").hexdigest())


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    grype_db.write(tmp_path / "vulnerability.db", advisories(), ended_releases(), NOW)
    return sqlite3.connect(tmp_path / "vulnerability.db")


def test_grype_finds_every_advisory_by_its_package(database: sqlite3.Connection) -> None:
    rows = database.execute(
        "SELECT v.name, p.ecosystem, p.name, o.major_version FROM affected_package_handles a "
        "JOIN vulnerability_handles v ON v.id = a.vulnerability_id JOIN packages p ON p.id = a.package_id "
        "LEFT JOIN operating_systems o ON o.id = a.operating_system_id"
    ).fetchall()
    assert len(rows) == len(advisories())
    assert ("CVE-2024-45490", "deb", "expat", "11") in rows
    assert ("GHSA-jf85-cpcp-j695", "npm", "lodash", None) in rows
    assert ("GHSA-69ch-w2m2-3vjp", "go-module", "golang.org/x/text", None) in rows
    assert database.execute("SELECT build_timestamp FROM db_metadata").fetchall() == [
        ("2026-11-22 09:00:00+00:00",)
    ]


def test_grype_is_told_fixes_and_severities_only_where_there_are_some(database: sqlite3.Connection) -> None:
    blobs = {
        name: (json.loads(vulnerability), json.loads(package))
        for name, vulnerability, package in database.execute(
            "SELECT v.name, b.value, c.value FROM affected_package_handles a "
            "JOIN vulnerability_handles v ON v.id = a.vulnerability_id "
            "JOIN blobs b ON b.id = v.blob_id JOIN blobs c ON c.id = a.blob_id"
        )
    }
    unfixed = blobs["CVE-2026-7598"][1]["ranges"]
    assert unfixed == [{"version": {"type": "dpkg", "constraint": ""},
                        "fix": {"version": "", "state": "not-fixed"}}]  # fmt: skip
    assert blobs["GHSA-v778-237x-gjrc"][0]["severities"] == []
    assert blobs["GHSA-jf85-cpcp-j695"][0]["severities"][0]["value"] == "critical"
    assert len(blobs["GHSA-xvch-5gv4-984h"][1]["ranges"]) == 2


def test_grype_knows_what_is_exploited(database: sqlite3.Connection) -> None:
    rows = database.execute(
        "SELECT k.cve, b.value FROM known_exploited_vulnerability_handles k JOIN blobs b ON b.id = k.blob_id"
    ).fetchall()
    assert [(cve, json.loads(value)["due_date"]) for cve, value in rows] == [
        ("CVE-2023-44487", "2023-10-31T00:00:00Z")
    ]


def test_grype_knows_which_release_has_ended(database: sqlite3.Connection) -> None:
    ends = dict(database.execute("SELECT major_version, eol_date FROM operating_systems").fetchall())
    assert ends == {"11": "2026-08-31 00:00:00+00:00", "12": None}


def test_trivy_finds_every_advisory_in_the_bucket_of_its_ecosystem() -> None:
    whole = trivy_db.tree(advisories())
    rows = [
        identity
        for bucket, packages in whole.items()
        if bucket not in ("data-source", "vulnerability")
        for identities in packages.values()
        for identity in identities
    ]
    assert sorted(rows) == sorted(advisory.id for advisory in advisories())
    assert set(whole["data-source"]) == set(whole) - {"data-source", "vulnerability"}
    assert whole["debian 11"]["expat"]["CVE-2024-45490"] == {"": {"FixedVersion": "2.2.10-2+deb11u6"}}
    assert whole["debian 12"]["libssh2"]["CVE-2026-7598"] == {"": {"Status": 2}}
    lodash = whole["npm::GitHub Security Advisory npm"]["lodash"]["CVE-2019-10744"][""]
    assert lodash["PatchedVersions"] == ["4.17.12"]
    assert whole["vulnerability"]["CVE-2024-45337"][""]["VendorSeverity"] == {}


def test_a_client_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no-such-client is not on this machine"):
        run(["no-such-client"], folder=tmp_path)


def test_what_a_killed_build_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / f"{UNPACKED}x/bin").mkdir(parents=True)
    (tmp_path / "images").mkdir()
    with alone(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "images"]
