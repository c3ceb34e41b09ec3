# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts import inspect as module
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import BadChartError, inspect
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

METADATA = "apiVersion: v2\nname: app\nversion: 1.0.0\n"


def folder(base: Path, metadata: str = METADATA) -> Path:
    chart = base / "app"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(metadata)
    (chart / "templates/a.yaml").write_text("a: 1\n")
    return chart


def archive(base: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    chart = base / "app-1.0.0.tgz"
    with tarfile.open(chart, "w:gz") as packed:
        for header, content in members:
            header.size = len(content)
            packed.addfile(header, io.BytesIO(content))
    return chart


def member(name: str, content: str = "", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.type = kind
    header.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
    return header, content.encode()


def test_a_folder_and_an_archive_tell_their_name(tmp_path: Path) -> None:
    assert inspect(folder(tmp_path)) == "app"
    assert inspect(archive(tmp_path, member("app/Chart.yaml", METADATA), member("app/a", "b"))) == "app"


def test_a_link_within_the_chart_is_allowed(tmp_path: Path) -> None:
    chart = folder(tmp_path)
    (chart / "templates/b.yaml").symlink_to("a.yaml")
    assert inspect(chart) == "app"


def link_to_passwd(chart: Path) -> None:
    (chart / "Chart.lock").symlink_to("/etc/passwd")


def link_of_a_folder(chart: Path) -> None:
    (chart / "templates/etc").symlink_to("/etc")


def pipe(chart: Path) -> None:
    os.mkfifo(chart / "templates/pipe")


def large_file(chart: Path) -> None:
    os.truncate(chart / "templates/a.yaml", module.LARGEST_FILE + 1)


def many_large_files(chart: Path) -> None:
    for number in range(7):
        (chart / f"templates/{number}").touch()
        os.truncate(chart / f"templates/{number}", module.LARGEST_FILE)


def many_files(chart: Path) -> None:
    for number in range(module.MOST_FILES):
        (chart / f"templates/{number}").touch()


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (link_to_passwd, "link"),
        (link_of_a_folder, "link"),
        (pipe, "link"),
        (large_file, "size"),
        (many_large_files, "size"),
        (many_files, "count"),
    ],
)
def test_fault_44_a_folder_that_is_more_than_a_chart_is_refused(
    spoil: Callable[[Path], None], rule: str, tmp_path: Path
) -> None:
    chart = folder(tmp_path)
    spoil(chart)
    with pytest.raises(BadChartError) as caught:
        inspect(chart)
    assert caught.value.details["rule"] == rule


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "-x", "A", "", "5", "[]", "x" * 64])
def test_fault_44_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadChartError) as caught:
        inspect(folder(tmp_path, f"name: {name}\n"))
    assert caught.value.details["rule"] == "name"


@pytest.mark.parametrize("metadata", ["{", "a: [b", "\t- x"])
def test_metadata_that_is_no_yaml_is_refused(metadata: str, tmp_path: Path) -> None:
    with pytest.raises(BadChartError) as caught:
        inspect(folder(tmp_path, metadata))
    assert caught.value.details["rule"] == "metadata"


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (member("app/../../x", "y"), "path"),
        (member("/etc/cron.d/x", "y"), "path"),
        (member("../x", "y"), "path"),
        (member("app/Chart.lock", kind=tarfile.SYMTYPE), "link"),
        (member("app/x", kind=tarfile.CHRTYPE), "link"),
        (member("app/x", "y" * (5 * 1024**2 + 1)), "size"),
    ],
)
def test_fault_44_an_archive_that_leads_out_is_refused(
    bad: tuple[tarfile.TarInfo, bytes], rule: str, tmp_path: Path
) -> None:
    with pytest.raises(BadChartError) as caught:
        inspect(archive(tmp_path, member("app/Chart.yaml", METADATA), bad))
    assert caught.value.details["rule"] == rule


def test_fault_44_a_bomb_is_not_unpacked_whole(tmp_path: Path) -> None:
    chart = tmp_path / "bomb.tgz"
    with gzip.open(chart, "wb") as packed:
        for _megabyte in range(64):
            packed.write(b"\0" * 1024**2)
    with pytest.raises(BadChartError, match="more than"):
        inspect(chart)


@pytest.mark.parametrize(
    ("content", "rule"), [(b"no archive", "archive"), (gzip.compress(b"\0" * 2048, mtime=0)[:-9], "whole")]
)
def test_what_is_no_whole_archive_is_refused(content: bytes, rule: str, tmp_path: Path) -> None:
    chart = tmp_path / "app.tgz"
    chart.write_bytes(content)
    with pytest.raises(BadChartError) as caught:
        inspect(chart)
    assert caught.value.details["rule"] == rule


def test_a_chart_that_is_not_there_is_no_chart_of_a_repository(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="There is no chart"):
        inspect(tmp_path / "stable/app")
