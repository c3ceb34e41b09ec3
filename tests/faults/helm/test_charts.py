# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case 44: charts of somebody who means harm end before anything of them is applied."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Rig
from tests.support.helm import CHART
from tests.support.modules import call
from tests.support.programs import tool

Arguments = Callable[..., dict[str, Any]]

HOSTILE = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: evil}
spec:
  selector: {matchLabels: {app: evil}}
  template:
    metadata: {labels: {app: evil}}
    spec:
      hostPID: true
      containers: [{name: main, image: x, volumeMounts: [{name: v, mountPath: /host}]}]
      volumes: [{name: v, hostPath: {path: /}}]
"""
ENDLESS = "{{- range until 1000000 }}{{- range until 1000000 }}\nx: {{ randAlphaNum 1000 }}{{ end }}{{ end }}"
# It doubles itself: 27 times is more than 100 MB.
LARGE = '{{- $a := "x" }}{{- range until 27 }}{{- $a = printf "%s%s" $a $a }}{{- end }}\nx: {{ $a }}'


def metadata(chart: Path, **fields: str) -> None:
    text = (chart / "Chart.yaml").read_text()
    for key, value in fields.items():
        text = "\n".join(
            f"{key}: {value}" if line.startswith(f"{key}:") else line for line in text.splitlines()
        )
    (chart / "Chart.yaml").write_text(text)


SPOILT: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a name that leads out": (lambda chart: metadata(chart, name='".."'), "names it '..'"),
    "a lock that is a link": (
        lambda chart: (chart / "Chart.lock").symlink_to("/etc/shadow"),
        "leads out of it",
    ),
    "a link to a file of the host": (
        lambda chart: (chart / "files").symlink_to("/root", target_is_directory=True),
        "leads out of it",
    ),
    "a pod that reaches the host": (
        lambda chart: (chart / "templates" / "evil.yaml").write_text(HOSTILE),
        "violates PodSecurity",
    ),
    "a template without an end": (
        lambda chart: (chart / "templates" / "evil.yaml").write_text(ENDLESS),
        "",
    ),
    "a template of 100 MB": (
        lambda chart: (chart / "templates" / "evil.yaml").write_text(LARGE),
        "",
    ),
}


@pytest.fixture
def spoilt(tmp_path: Path) -> Callable[[str], Path]:
    def make(what: str) -> Path:
        chart = tmp_path / "chart"
        shutil.copytree(CHART, chart)
        SPOILT[what][0](chart)
        return chart

    return make


@pytest.mark.parametrize("what", SPOILT)
def test_44_it_is_not_delivered(
    rig: Rig, space: str, arguments: Arguments, spoilt: Callable[[str], Path], what: str
) -> None:
    result = call("helm_deploy", arguments(chart=spoilt(what)))
    assert result["failed"]
    assert SPOILT[what][1] in result["msg"]
    made = ("deployments", "daemonsets", "services", "secrets", "jobs")
    assert [key for key in rig.stored() if space in key and key.split("/")[2] in made] == []
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_500_000


@pytest.mark.parametrize("what", SPOILT)
def test_44_it_is_not_packaged(
    rig: Rig, space: str, program: str, tmp_path: Path, spoilt: Callable[[str], Path], what: str
) -> None:
    chart = spoilt(what)
    result = call(
        "helm_package",
        {
            "kubeconfig": str(rig.kubeconfig),
            "charts": [{"chart": str(chart), "releases": [{"name": "probe", "namespace": space}]}],
            "helm": program,
            "kubeconform": str(tool("kubeconform")),
            "destination": str(tmp_path / "packages"),
            "schema_cache": str(tmp_path / "schemas"),
        },
    )
    assert result["failed"]
    assert SPOILT[what][1] in result["msg"]
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize(
    ("name", "values_files"),
    [("probe --post-renderer=/bin/sh", []), ("--kube-as-user=x", []), ("probe", ["--post-renderer=/bin/sh"])],
)
def test_44_what_would_be_an_option_is_none(arguments: Arguments, name: str, values_files: list[str]) -> None:
    given = arguments()
    given["releases"][0] |= {"name": name, "values_files": values_files}
    assert call("helm_deploy", given)["failed"]
