# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts import render as module
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import Release, render
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor


def helm(base: Path, script: str) -> str:
    program = base / "helm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    chart = tmp_path / "app"
    chart.mkdir()
    (chart / "Chart.yaml").write_text("name: app\n")
    return Release("app", "prod", chart)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": "--post-renderer=/x"}, "no name of a release"),
        ({"namespace": "Prod"}, "no name of a namespace"),
        ({"values": [Path("--post-renderer=/x")]}, "no file '--post-renderer=/x'"),
        ({"values": [Path("https://somewhere/values.yaml")]}, "no file"),
        ({"chart": Path("-x")}, "no chart at -x"),
    ],
)
def test_fault_44_what_helm_would_take_for_an_option_is_refused(
    wrong: dict[str, Any], why: str, release: Release, tmp_path: Path
) -> None:
    with pytest.raises(RampartError, match=why):
        render(replace(release, **wrong), helm(tmp_path, "echo started >&2; exit 1"), Redactor(), 20)


def test_helm_sees_neither_the_network_nor_the_users_settings(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    said = render(
        release, helm(tmp_path, 'echo "$KUBECONFIG|$HOME|$(ls $HOME)"; cat /proc/net/dev'), Redactor(), 20
    )
    kubeconfig, home, listed = said.splitlines()[0].split("|")
    assert (kubeconfig, listed) == ("", "")
    assert Path(home).name.startswith("rampart-chart-")
    assert not Path(home).exists()
    assert "eth" not in said


def test_output_without_end_is_refused(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGEST_OUTPUT", 10)
    with pytest.raises(RampartError, match="renders to 21 bytes"):
        render(release, helm(tmp_path, "printf aaaaaaaaaabbbbbbbbbbc"), Redactor(), 20)


def test_a_template_that_does_not_end_is_ended(release: Release, tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="1 s"):
        render(release, helm(tmp_path, "while :; do :; done"), Redactor(), 1)


def test_helm_that_is_not_there_is_told(release: Release) -> None:
    with pytest.raises(RampartError, match="is not there"):
        render(release, "/nowhere/helm", Redactor(), 20)
