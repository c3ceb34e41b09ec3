# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real tools on the images and databases: they see what is there, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ground.databases import Databases, build_databases, tool
from tests.ground.images import build_images, recipes
from tests.ground.oci import Written
from tests.ground.packages import SOURCES, shared_folder

LABELS = yaml.safe_load((SOURCES / "labels.yml").read_text())


@pytest.fixture(scope="module")
def images() -> dict[str, Written]:
    return build_images(shared_folder())


@pytest.fixture(scope="module")
def databases() -> dict[str, Databases]:
    return build_databases(shared_folder())


def scan(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool(command[0]), *command[1:]],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def trivy(image: Written, pair: Databases) -> subprocess.CompletedProcess[str]:
    return scan(
        "trivy", "image", "--quiet", "--input", str(image.layout), "--scanners", "vuln", "--format", "json",
        "--skip-db-update", "--skip-version-check", TRIVY_CACHE_DIR=str(pair.trivy_cache),
    )  # fmt: skip


def grype(image: Written, pair: Databases) -> subprocess.CompletedProcess[str]:
    return scan(
        "grype", f"oci-dir:{image.layout}", "--output", "json", GRYPE_DB_CACHE_DIR=str(pair.grype_cache),
        GRYPE_DB_AUTO_UPDATE="false", GRYPE_CHECK_FOR_APP_UPDATE="false",
    )  # fmt: skip


def labelled(name: str) -> set[tuple[str, str]]:
    return {
        (identity, package)
        for pairs in LABELS[name].values()
        for identity, packages in pairs.items()
        for package in packages
    }


def found_by_trivy(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (row["VulnerabilityID"], row["PkgName"].lower())
        for result in report.get("Results", ())
        for row in result.get("Vulnerabilities", ())
    }


def found_by_grype(report: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for match in report["matches"]:
        names = [
            match["vulnerability"]["id"],
            *(related["id"] for related in match["relatedVulnerabilities"]),
        ]
        cve = next(name for name in names if name.startswith("CVE-"))
        found.add((cve, match["artifact"]["name"].lower()))
    return found


@pytest.mark.parametrize("name", recipes())
def test_both_scanners_find_exactly_what_is_labelled(
    name: str, images: dict[str, Written], databases: dict[str, Databases]
) -> None:
    by_trivy, by_grype = trivy(images[name], databases["current"]), grype(images[name], databases["current"])
    assert (by_trivy.returncode, by_grype.returncode) == (0, 0), by_trivy.stderr + by_grype.stderr
    assert found_by_trivy(json.loads(by_trivy.stdout)) == labelled(name)
    assert found_by_grype(json.loads(by_grype.stdout)) == labelled(name)


def test_severities_and_fixes_arrive(images: dict[str, Written], databases: dict[str, Databases]) -> None:
    report = json.loads(trivy(images["bad-app"], databases["current"]).stdout)
    rows = {row["VulnerabilityID"]: row for result in report["Results"]
            for row in result.get("Vulnerabilities", ())}  # fmt: skip
    assert {row["Severity"] for row in rows.values()} == {"LOW", "MEDIUM", "HIGH", "CRITICAL", "UNKNOWN"}
    assert "FixedVersion" not in rows["CVE-2026-7598"]
    matches = json.loads(grype(images["bad-app"], databases["current"]).stdout)["matches"]
    states = {match["vulnerability"]["fix"]["state"] for match in matches}
    assert states == {"fixed", "not-fixed"}
    assert {match["vulnerability"]["severity"] for match in matches} == {
        "Low", "Medium", "High", "Critical", "Unknown"
    }  # fmt: skip
    (exploited,) = (match["vulnerability"]["knownExploited"] for match in matches
                    if match["vulnerability"].get("knownExploited"))  # fmt: skip
    assert [(row["cve"], row["dateAdded"]) for row in exploited] == [("CVE-2023-44487", "2023-10-10")]
    # Where those who judge do not agree, each tool chooses one word and still names the other.
    assert rows["CVE-2022-23491"]["Severity"] == "MEDIUM"
    assert rows["CVE-2022-23491"]["VendorSeverity"] == {"ghsa": 2, "nvd": 3}
    (certifi,) = (match for match in matches if match["artifact"]["name"] == "certifi")
    assert certifi["vulnerability"]["severity"] == "Medium"
    assert [related["severity"] for related in certifi["relatedVulnerabilities"]] == ["High"]
    medium = json.loads(trivy(images["medium-app"], databases["current"]).stdout)
    assert {(row["Severity"], row["Status"]) for result in medium["Results"]
            for row in result.get("Vulnerabilities", ())} == {("MEDIUM", "fixed")}  # fmt: skip


def test_the_ended_distribution_is_seen(images: dict[str, Written], databases: dict[str, Databases]) -> None:
    ended = {
        name: json.loads(trivy(images[name], databases["current"]).stdout)["Metadata"]["OS"].get(
            "EOSL", False
        )
        for name in ("eol-app", "good-app")
    }
    assert ended == {"eol-app": True, "good-app": False}


def test_the_stale_database_is_refused_by_grype_and_only_dated_for_trivy(
    images: dict[str, Written], databases: dict[str, Databases]
) -> None:
    refused = grype(images["good-app"], databases["stale"])
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "max allowed age" in refused.stderr
    silent = trivy(images["eol-app"], databases["stale"])
    assert (silent.returncode, silent.stderr) == (0, "")
    assert found_by_trivy(json.loads(silent.stdout)) == labelled("eol-app")
    dated = json.loads((databases["stale"].trivy_cache / "db/metadata.json").read_text())
    assert dated["NextUpdate"] < databases["current"].built


def test_the_corrupt_database_gives_no_report(
    images: dict[str, Written], databases: dict[str, Databases]
) -> None:
    for scanner in (trivy, grype):
        broken = scanner(images["bad-app"], databases["corrupt"])
        assert broken.returncode != 0
        assert broken.stdout == ""


def test_dockle_judges_how_they_were_made(images: dict[str, Written]) -> None:
    codes = {}
    for name in ("bad-app", "good-app"):
        report = json.loads(scan("dockle", "--input", str(images[name].archive), "--format", "json").stdout)
        codes[name] = {row["code"] for row in report["details"] if row["level"] in ("FATAL", "WARN")}
    assert codes == {"bad-app": {"CIS-DI-0001", "CIS-DI-0010", "DKL-LI-0001"}, "good-app": set()}


def test_another_build_gives_the_same_digests(images: dict[str, Written], tmp_path: Path) -> None:
    # Fetched packages are verified by their sums; what is unpacked and written is made anew.
    (tmp_path / "packages").symlink_to(shared_folder() / "packages")
    usual = os.umask(0o077)
    try:
        again = build_images(tmp_path)
    finally:
        os.umask(usual)
    assert {name: image.digest for name, image in again.items()} == {
        name: image.digest for name, image in images.items()
    }


def test_what_is_there_is_not_built_again(images: dict[str, Written]) -> None:
    before = {name: image.archive.stat().st_ino for name, image in images.items()}
    again = build_images(shared_folder())
    assert {name: image.archive.stat().st_ino for name, image in again.items()} == before
