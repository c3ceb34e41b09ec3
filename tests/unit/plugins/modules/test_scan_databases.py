# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database is brought when it is missing, broken, old or another one, and replaced only by a whole one."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.tests.support.images import tar
from ansible_collections.rampart.k8s.tests.support.modules import call
from ansible_collections.rampart.k8s.tests.support.scanning import grype_database, trivy_database

# Stands for the tools where they would use the network: it puts what lies beside it where it is told.
FAKE = """\
#!/bin/sh
case "$*" in
  *--download-*db-only*) for word; do case $word in --cache-dir=*) target=${word#--cache-dir=};; esac; done ;;
  *) target=$GRYPE_DB_CACHE_DIR ;;
esac
echo "$*" >> "$(dirname "$0")/asked"
env > "$(dirname "$0")/environment"
[ -d "$(dirname "$0")/offer" ] || { echo "no route to host" >&2; exit 1; }
cp -r "$(dirname "$0")"/offer/* "$target/"
"""


def hours(number: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=number)


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    programs = {}
    for name in ("trivy", "grype"):
        folder = tmp_path / f"{name}-program"
        folder.mkdir()
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
        programs[name] = str(folder / name)
    return {
        "programs": programs,
        "trivy_database": str(tmp_path / "trivy"),
        "grype_database": str(tmp_path / "grype"),
    }


def offer(tmp_path: Path, age: float) -> None:
    """Let the network have databases of an age."""
    for name, make in (("trivy", trivy_database), ("grype", grype_database)):
        shutil.rmtree(tmp_path / f"{name}-program/offer", ignore_errors=True)
        make(tmp_path / f"{name}-program/offer", hours(age))


def test_they_are_fetched_when_missing_and_when_old(tmp_path: Path, given: dict[str, Any]) -> None:
    offer(tmp_path, 30)
    assert call("scan_databases", given)["updated"] == ["grype", "trivy"]
    offer(tmp_path, 1)
    second = call("scan_databases", given)
    assert second["changed"]
    assert "over 1 day, 0:00:00 ago" in second["reason"]
    third = call("scan_databases", given)
    assert not third["changed"]
    assert third["databases"]["trivy"]["age_hours"] == 1


def test_the_database_of_java_archives_is_brought_beside_the_other(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    offer(tmp_path, 1)
    java = tmp_path / "trivy-program/offer/java-db"
    java.mkdir()
    (java / "metadata.json").write_text(json.dumps({"Version": 1, "UpdatedAt": hours(2).isoformat()}))
    (java / "trivy-java.db").write_bytes(b"sqlite")
    asked = {**given, "scanners": ["trivy", "java"]}
    assert call("scan_databases", asked)["updated"] == ["java", "trivy"]
    assert not call("scan_databases", asked)["changed"]
    assert sorted(path.name for path in (tmp_path / "trivy").iterdir()) == ["db", "java-db"]
    assert "--download-java-db-only" in (tmp_path / "trivy-program/asked").read_text()


def test_a_mirror_is_asked_and_secrets_stay_here(
    tmp_path: Path, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(tmp_path, 1)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-the-environment")
    mirror = {"trivy_repository": "mirror.example.test/db:2", "grype_url": "https://mirror.example.test/x"}
    call("scan_databases", {**given, **mirror})
    assert "--db-repository=mirror.example.test/db:2" in (tmp_path / "trivy-program/asked").read_text()
    environment = (tmp_path / "grype-program/environment").read_text()
    assert "GRYPE_DB_UPDATE_URL=https://mirror.example.test/x" in environment
    assert "canary" not in environment


def test_check_mode_says_what_would_be_brought(tmp_path: Path, given: dict[str, Any]) -> None:
    answer = call("scan_databases", given, check=True, diff=True)
    assert answer["changed"]
    assert answer["diff"]["before"]["databases"]["trivy"]["state"] == "no database"
    assert not (tmp_path / "trivy").exists()


def test_one_that_cannot_be_fetched_leaves_the_old_one(tmp_path: Path, given: dict[str, Any]) -> None:
    trivy_database(tmp_path / "trivy", hours(48))
    answer = call("scan_databases", {**given, "scanners": ["trivy"]})
    assert answer["failed"]
    assert "no route to host" in answer["msg"]
    assert call("scan_databases", given, check=True)["databases"]["trivy"]["age_hours"] == 48
    assert sorted(path.name for path in (tmp_path / "trivy").iterdir()) == ["db"]


def test_one_that_is_broken_does_not_replace_the_old_one(tmp_path: Path, given: dict[str, Any]) -> None:
    offer(tmp_path, 1)
    (tmp_path / "trivy-program/offer/db/metadata.json").write_text("{")
    trivy_database(tmp_path / "trivy", hours(48))
    answer = call("scan_databases", {**given, "scanners": ["trivy"]})
    assert "is no database of trivy" in answer["msg"]
    assert call("scan_databases", given, check=True)["databases"]["trivy"]["age_hours"] == 48


def test_a_file_goes_before_the_network_and_is_taken_once(tmp_path: Path, given: dict[str, Any]) -> None:
    trivy_database(tmp_path / "carried", hours(2))
    files = [(name, (tmp_path / "carried/db" / name).read_bytes()) for name in ("metadata.json", "trivy.db")]
    (tmp_path / "trivy.tar").write_bytes(tar(files))
    asked = {**given, "scanners": ["trivy"], "online": False, "trivy_file": str(tmp_path / "trivy.tar")}
    assert call("scan_databases", asked)["changed"]
    assert not call("scan_databases", asked)["changed"]
    folder = {**asked, "trivy_file": str(tmp_path / "carried/db")}
    assert call("scan_databases", folder)["changed"]
    assert not call("scan_databases", folder)["changed"]
    assert not (tmp_path / "trivy-program/asked").exists()


def test_without_a_source_it_is_said_what_is_missing(given: dict[str, Any]) -> None:
    answer = call("scan_databases", {**given, "online": False})
    assert "there is no source for another" in answer["msg"]
    assert "name a file" in answer["next_step"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, given: dict[str, Any]) -> None:
    trivy_database(tmp_path / "trivy", hours(2))
    asked = {**given, "scanners": ["trivy"], "trivy_file": str(tmp_path / "absent.tar")}
    assert "absent.tar" in call("scan_databases", asked)["msg"]
