# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts of somebody who means harm, and the real Helm (fault case 44, rendering)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import Release, render
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor

from tests.support.programs import tool

TIMEOUT = 15.0


def chart(base: Path, template: str) -> Release:
    folder = base / "app"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n")
    (folder / "templates/a.yaml").write_text(template)
    return Release("app", "prod", folder)


def test_a_chart_is_rendered(tmp_path: Path) -> None:
    release = chart(tmp_path, "kind: {{ .Values.kind }}\nnamespace: {{ .Release.Namespace }}\n")
    values = tmp_path / "values.yaml"
    values.write_text("kind: ConfigMap\n")
    said = render(Release("app", "prod", release.chart, [values]), str(tool("helm")), Redactor(), TIMEOUT)
    assert "kind: ConfigMap\nnamespace: prod" in said


@pytest.mark.parametrize(
    "template",
    [
        'a: {{ repeat 100000000 "a" }}\n',
        "{{ range $i := until 1000000000 }}a{{ end }}\n",
        '{{ define "x" }}a{{ template "x" . }}{{ end }}a: {{ template "x" . }}\n',
    ],
    ids=["100 MB", "a range without end", "recursion"],
)
def test_fault_44_a_template_that_grows_is_ended(template: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(RampartError):
        render(chart(tmp_path, template), str(tool("helm")), Redactor(), TIMEOUT)
    assert time.monotonic() - started < TIMEOUT + 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app"]
