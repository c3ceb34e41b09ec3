# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy that is packaged: its dependencies are found, and nothing leads out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts import build
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm

DEPENDENCY = "dependencies: [{{name: common, version: 1.0.0, repository: {}}}]\n"


def chart(folder: Path, repository: str = "") -> Path:
    folder.mkdir(parents=True)
    text = f"apiVersion: v2\nname: {folder.name}\nversion: 1.0.0\n"
    (folder / "Chart.yaml").write_text(text + (DEPENDENCY.format(repository) if repository else ""))
    return folder


@pytest.mark.parametrize("path", ["../common", "../../shared/common", "charts/common"])
def test_a_relative_dependency_is_found_from_the_copy(tmp_path: Path, path: str) -> None:
    app = chart(tmp_path / "charts" / "app", f"file://{path}")
    common = chart((app / path).resolve())
    with build.copied(app) as copy:
        assert (copy / path / "Chart.yaml").read_bytes() == (common / "Chart.yaml").read_bytes()
        assert not copy.is_relative_to(tmp_path)
        (copy / "Chart.lock").touch()
    assert not (app / "Chart.lock").exists()
    assert not copy.exists()


def test_a_dependency_too_far_away_is_named(tmp_path: Path) -> None:
    app = chart(tmp_path / "/".join("abcdefghijk") / "app", f"file://{'../' * 12}common")
    chart(tmp_path / "common")
    with pytest.raises(RampartError, match="folders above it") as caught, build.copied(app):
        pass
    assert "absolute path" in caught.value.next_step


def test_a_dependency_that_is_no_chart_is_refused(tmp_path: Path) -> None:
    app = chart(tmp_path / "app", "file://../../../etc")
    with pytest.raises(RampartError), build.copied(app):
        pass


def test_dependencies_without_a_lock_could_be_any(tmp_path: Path) -> None:
    app = chart(tmp_path / "app", "file://../common")
    chart(tmp_path / "common")
    # No Helm is ever started.
    helm = Helm("/nonexistent/helm", Redactor())
    with build.copied(app) as copy, pytest.raises(RampartError, match=r"no Chart\.lock") as caught:
        build.fetch(app, copy, helm)
    assert "commit the lock" in caught.value.next_step


def test_a_chart_that_needs_nothing_needs_no_lock(tmp_path: Path) -> None:
    app = chart(tmp_path / "app")
    with build.copied(app) as copy:
        build.fetch(app, copy, Helm("/nonexistent/helm", Redactor()))
