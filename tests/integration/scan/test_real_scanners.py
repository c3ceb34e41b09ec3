# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate over the real scanners, real images and real databases of tests/ground."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import Cache

from tests.ground.databases import Databases, tool
from tests.ground.oci import Written
from tests.support import labelled
from tests.support.modules import call

NAMES = ("bad-app", "good-app", "medium-app", "eol-app")
DOCKERFILE = "FROM debian:latest\nMAINTAINER somebody\nRUN apt-get update\n"


@pytest.fixture(scope="module")
def ground() -> tuple[dict[str, Written], dict[str, Databases]]:
    return labelled.ground()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scan")


@pytest.fixture(scope="module")
def judged(ground: tuple[dict[str, Written], dict[str, Databases]], folder: Path) -> dict[str, Any]:
    """Judge all images once; whoever asks again is answered from the cache."""
    images, pairs = ground
    return labelled.judge(
        folder,
        [{"archive": str(images[name].archive), "name": name} for name in NAMES],
        pairs["current"],
        report_dir=str(folder / "reports"),
        report_only=True,
    )


def whole(folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((folder / "reports/scan.json").read_text())
    return {image["name"]: image for image in document["images"]}


def test_the_verdicts_are_what_the_images_were_made_for(judged: dict[str, Any]) -> None:
    assert {one["name"]: one["verdict"] for one in judged["images"]} == {
        "bad-app": "failed",
        "good-app": "passed",
        "medium-app": "passed",
        "eol-app": "failed",
    }
    assert judged["network"] == "network namespace"


def test_the_merged_verdict_finds_what_is_labelled_and_nothing_else(
    judged: dict[str, Any], folder: Path
) -> None:
    reports = whole(folder)
    for name, true in labelled.labels().items():
        if name not in reports:
            continue
        merged = labelled.pairs(reports[name]["findings"])
        assert merged - true == set(), name
        best = max(
            (labelled.pairs(reports[name]["findings"], scanner) for scanner in ("trivy", "grype")), key=len
        )
        assert true & merged >= true & best
        assert true - merged == set(), name


def sarif_schema() -> Path | None:
    """Find the schema of SARIF where grype was built: its module brings it for its own tests."""
    go = shutil.which("go")
    if go is None:
        return None
    cache = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    grype = Path(cache.stdout.strip(), "github.com/anchore/grype@v0.120.0")
    return next(grype.glob("grype/presenter/sarif/testdata/sarif-schema-2.1.0.json"), None)


def test_sarif_is_what_its_schema_asks_for(judged: dict[str, Any], folder: Path) -> None:
    path = sarif_schema()
    if path is None:
        pytest.skip("the module of grype is not here")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(path.read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    found = list(validator.iter_errors(json.loads((folder / "reports/scan.sarif").read_text())))
    assert [error.message for error in found] == []


def test_every_packing_has_the_same_verdict(
    ground: tuple[dict[str, Written], dict[str, Databases]], judged: dict[str, Any], folder: Path
) -> None:
    images, pairs = ground
    answer = labelled.judge(
        folder, [{"layout": str(images["good-app"].layout), "name": "layout"}], pairs["current"]
    )
    # The same digest, so nothing has to be scanned again.
    assert answer["images"][0]["digest"] == images["good-app"].config_digest
    assert answer["scanners_started"] == 0


@pytest.mark.parametrize(("name", "said"), [("stale", "stale database"), ("corrupt", "corrupt database")])
def test_a_database_that_cannot_be_relied_upon_is_told(
    ground: tuple[dict[str, Written], dict[str, Databases]], tmp_path: Path, name: str, said: str
) -> None:
    images, pairs = ground
    answer = labelled.judge(tmp_path, [{"archive": str(images["good-app"].archive)}], pairs[name])
    assert answer["images"][0]["verdict"] == "error"
    assert said in answer["msg"]


# All renderings of the exceptions, tried with the tools that they are for.


def run(command: list[str], folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )


def left_by_trivy(image: Written, pair: Databases, folder: Path, names: Mapping[str, str]) -> set[str]:
    ignore = [f"--ignorefile={folder}/.trivyignore.yaml"]
    done = run(
        [
            tool("trivy"),
            "image",
            f"--input={image.archive}",
            "--scanners=vuln",
            "--format=json",
            "--skip-db-update",
            "--skip-version-check",
            "--quiet",
            *ignore,
        ],
        folder,
        TRIVY_CACHE_DIR=str(pair.trivy_cache),
    )
    assert done.returncode == 0, done.stderr
    rows = [
        row for result in json.loads(done.stdout)["Results"] for row in result.get("Vulnerabilities") or ()
    ]
    return {names[row["VulnerabilityID"]] for row in rows}


def left_by_grype(image: Written, pair: Databases, folder: Path, names: Mapping[str, str]) -> set[str]:
    done = run(
        [
            tool("grype"),
            f"docker-archive:{image.archive}",
            "--output=json",
            f"--config={folder}/.grype.yaml",
        ],
        folder,
        GRYPE_DB_CACHE_DIR=str(pair.grype_cache),
        GRYPE_DB_AUTO_UPDATE="false",
        GRYPE_CHECK_FOR_APP_UPDATE="false",
    )
    assert done.returncode == 0, done.stderr
    return {names[row["vulnerability"]["id"]] for row in json.loads(done.stdout)["matches"]}


def left_by_dockle(image: Written, folder: Path) -> set[str]:
    done = run([tool("dockle"), "--format=json", f"--input={image.archive}"], folder)
    return {row["code"] for row in json.loads(done.stdout)["details"] if row["level"] != "SKIP"}


def left_by_hadolint(dockerfile: Path, folder: Path) -> set[str]:
    command = [
        tool("hadolint"),
        "--no-fail",
        "--format=json",
        f"--config={folder}/.hadolint.yaml",
        str(dockerfile),
    ]
    return {row["code"] for row in json.loads(run(command, folder).stdout)}


def kyverno_values(folder: Path) -> set[str]:
    documents = [one for one in yaml.safe_load_all((folder / "kyverno.yaml").read_text()) if one]
    return {value for one in documents for value in one["spec"]["allowedValues"]}


def test_all_renderings_agree_in_the_tools_themselves(
    ground: tuple[dict[str, Written], dict[str, Databases]],
    folder: Path,
    tmp_path: Path,
    judged: dict[str, Any],
) -> None:
    """What each tool still reports is what the gate still judges: ended and foreign exceptions are gone."""
    images, databases = ground
    image, pair = images["bad-app"], databases["current"]
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text(DOCKERFILE)
    today = datetime.now(UTC).date()
    common: dict[str, Any] = {
        "owner": "ann",
        "approver": "bob",
        "reason": "tried on the real tools",
        "link": "https://example.test/risk",
        "created": today - timedelta(days=20),
        "expires": today + timedelta(days=20),
    }
    here, elsewhere = {"digest": image.config_digest}, {"digest": "sha256:" + "0" * 64}
    entries: list[dict[str, Any]] = [
        {"id": "CVE-2019-10744", "scope": here},
        # By the name that only grype shows, for a package that both see.
        {"id": "GHSA-xvch-5gv4-984h", "scope": {"purl": "pkg:npm/minimist"}},
        {"id": "CVE-2022-32149", "scope": {"purl": "pkg:golang/golang.org/x/text@v0.3.7"}},
        {"id": "CVE-2025-59375", "scope": {"purl": "pkg:deb/debian/libexpat1"}},
        {"id": "CVE-2018-18074", "scope": here, "expires": today},
        {"id": "CVE-2019-11324", "scope": elsewhere},
        {"id": "CVE-2019-10906", "scope": {"purl": "pkg:pypi/jinja2@9.9"}},
        {"rule": "CIS-DI-0010", "scope": here},
        {"rule": "DKL-LI-0001", "scope": here, "expires": today},
        {"rule": "DL4000", "scope": {"path": str(dockerfile)}},
        {"rule": "DL3009", "scope": {"path": "somewhere/else"}},
    ]
    (tmp_path / "exceptions.yml").write_text(
        yaml.safe_dump({"exceptions": [{**common, **one} for one in entries]})
    )
    answer = labelled.judge(
        folder,
        [{"archive": str(image.archive), "name": "bad-app", "dockerfile": str(dockerfile)}],
        pair,
        exceptions=str(tmp_path / "exceptions.yml"),
        report_dir=str(tmp_path / "reports"),
        report_only=True,
    )
    assert answer["scanners_started"] == 1
    [report] = json.loads((tmp_path / "reports/scan.json").read_text())["images"]
    [rendered] = (tmp_path / "reports").glob("*/exceptions")
    excepted = {row["name"] for row in report["findings"] if row["outcome"] == "excepted"}
    left = {row["name"] for row in report["findings"]} - excepted
    assert excepted == {
        "CVE-2019-10744",
        "CVE-2021-44906",
        "CVE-2022-32149",
        "CVE-2025-59375",
        "CIS-DI-0010",
        "DL4000",
    }
    names = _names(folder, image)
    vulnerabilities = {name for name in left if name.startswith("CVE")}
    assert left_by_trivy(image, pair, rendered, names) == vulnerabilities
    assert left_by_grype(image, pair, rendered, names) == vulnerabilities
    assert left_by_dockle(image, rendered) == {name for name in left if name[:3] in ("CIS", "DKL")}
    assert left_by_hadolint(dockerfile, rendered) == {name for name in left if name.startswith("DL")}
    assert excepted <= kyverno_values(rendered)
    assert not left & kyverno_values(rendered)


def _names(folder: Path, image: Written) -> dict[str, str]:
    """Return the one name of each vulnerability, by any of its names, from the reports that were kept."""
    cache = Cache(folder / "cache", write=False)
    found: dict[str, str] = {}
    place = folder / "cache/reports" / image.config_digest.partition(":")[2]
    for path in place.glob("*.json"):
        kept = json.loads(path.read_text())
        report = cache.report(image.config_digest, path.stem, kept["key"])
        assert report is not None
        for claim in report.claims:
            found |= dict.fromkeys(claim.names, claim.names[0])
    return found


def test_databases_are_brought_from_files_and_a_wrong_one_is_not(
    ground: tuple[dict[str, Written], dict[str, Databases]], tmp_path: Path
) -> None:
    pair = ground[1]["current"]
    given = {
        "online": False,
        "trivy_database": str(tmp_path / "trivy"),
        "grype_database": str(tmp_path / "grype"),
        "trivy_file": str(pair.trivy_file),
        "grype_file": str(pair.grype_file),
        "programs": {"grype": tool("grype")},
    }
    planned = call("scan_databases", given, check=True)
    assert planned["changed"]
    assert not (tmp_path / "trivy").exists()
    first = call("scan_databases", given)
    assert first["changed"]
    assert {one["state"] for one in first["databases"].values()} == {"present"}
    assert not call("scan_databases", given)["changed"]
    wrong = tmp_path / "wrong.db"
    shutil.copyfile(pair.trivy_file, wrong)
    answer = call("scan_databases", {**given, "grype_file": str(wrong)})
    assert answer["failed"]
    assert call("scan_databases", given)["databases"]["grype"]["state"] == "present"
