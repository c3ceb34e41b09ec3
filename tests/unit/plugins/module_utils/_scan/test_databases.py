# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How old a database is, is read from the database, and one that lies about it is not used."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._scan import databases
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble
from ansible_collections.rampart.k8s.tests.support.scanning import (
    NOW,
    grype_database,
    recorded,
    trivy_database,
)

BUILT = NOW - timedelta(hours=3)


@pytest.mark.parametrize("name", ["trivy", "grype"])
def test_the_time_of_its_build_is_read(tmp_path: Path, name: str) -> None:
    make = {"trivy": trivy_database, "grype": grype_database}[name]
    found = databases.READERS[name](make(tmp_path, BUILT), NOW)
    assert found.built == BUILT


def test_a_recorded_time_with_nanoseconds_is_read(tmp_path: Path) -> None:
    told = json.loads(recorded("trivy", "version-json.json"))["VulnerabilityDB"]
    trivy_database(tmp_path, BUILT)
    (tmp_path / "db/metadata.json").write_text(json.dumps(told))
    assert databases.trivy(tmp_path, NOW).built.isoformat() == "2026-11-22T04:52:52+00:00"


@pytest.mark.parametrize("name", ["trivy", "grype"])
def test_another_build_is_another_version(tmp_path: Path, name: str) -> None:
    make = {"trivy": trivy_database, "grype": grype_database}[name]
    first = databases.READERS[name](make(tmp_path / "a", BUILT), NOW)
    second = databases.READERS[name](make(tmp_path / "b", BUILT), NOW)
    assert first.version != second.version


@pytest.mark.parametrize(
    ("name", "break_it", "trouble"),
    [
        ("trivy", ("db/metadata.json", None), Trouble.NO_DATABASE),
        ("trivy", ("db/trivy.db", None), Trouble.NO_DATABASE),
        ("trivy", ("db/metadata.json", b"{"), Trouble.CORRUPT_DATABASE),
        ("trivy", ("db/metadata.json", b'{"Version": 2, "UpdatedAt": "soon"}'), Trouble.CORRUPT_DATABASE),
        (
            "trivy",
            ("db/metadata.json", b'{"Version":1,"UpdatedAt":"2026-11-22"}'),
            Trouble.CORRUPT_DATABASE,
        ),
        ("grype", ("6/vulnerability.db", None), Trouble.NO_DATABASE),
        ("grype", ("6/import.json", None), Trouble.NO_DATABASE),
        ("grype", ("6/vulnerability.db", b"no database"), Trouble.CORRUPT_DATABASE),
        ("grype", ("6/vulnerability.db", b""), Trouble.CORRUPT_DATABASE),
    ],
)
def test_one_that_is_broken_is_told_apart(
    tmp_path: Path, name: str, break_it: tuple[str, bytes | None], trouble: Trouble
) -> None:
    make = {"trivy": trivy_database, "grype": grype_database}[name]
    folder = make(tmp_path, BUILT)
    path, content = folder / break_it[0], break_it[1]
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ScannerError) as caught:
        databases.READERS[name](folder, NOW)
    assert caught.value.trouble is trouble


@pytest.mark.parametrize("name", ["trivy", "grype"])
def test_one_of_tomorrow_would_never_grow_old(tmp_path: Path, name: str) -> None:
    make = {"trivy": trivy_database, "grype": grype_database}[name]
    with pytest.raises(ScannerError, match="in the future"):
        databases.READERS[name](make(tmp_path, NOW + timedelta(days=1)), NOW)
