# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Charts are packaged as their lock says, and judged by the cluster that they are meant for."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.rig import Rig
from tests.rig.modules import run_module
from tests.support.helm import CHART
from tests.support.programs import tool

DEPENDENCY = "\ndependencies:\n- {{name: common, version: 1.x, repository: {0}}}\n"
REPLICAS = "  replicas: {{ .Values.replicas }}\n"


def helm(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(tool("helm")), *arguments],
        env={"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def library(folder: Path, version: str) -> Path:
    """Make a chart that others depend on."""
    chart = folder / version / "common"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: common\nversion: {version}\ntype: library\n")
    (chart / "templates" / "_names.tpl").write_text('{{ define "common.name" }}x{{ end }}')
    return chart


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Serve a repository of charts with two versions of one."""
    served = tmp_path / "served"
    for version in ("1.0.0", "1.1.0"):
        helm(tmp_path, "package", str(library(tmp_path / "libraries", version)), f"--destination={served}")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        link = f"http://127.0.0.1:{server.server_port}"
        helm(tmp_path, "repo", "index", str(served), "--url", link)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield link
        server.shutdown()


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    shutil.copytree(CHART, tmp_path / "probe")
    return tmp_path / "probe"


@pytest.fixture
def package(rig: Rig, space: str, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Return what packages charts as one release in one namespace."""

    def run(*charts: Path, program: str = "helm", check: bool = False, **values: Any) -> dict[str, Any]:
        given = {"image": "registry.local/a:1", **values}
        release = {"name": "probe", "namespace": space, "values": given}
        arguments = {
            "kubeconfig": str(rig.kubeconfig),
            "charts": [{"chart": str(chart), "releases": [release]} for chart in charts],
            "helm": str(tool(program)),
            "kubeconform": str(tool("kubeconform")),
            "destination": str(tmp_path / "packages"),
            "schema_cache": str(tmp_path / "schemas"),
        }
        return run_module("helm_package", arguments, check=check)

    return run


def test_dependencies_are_those_of_the_lock(
    package: Callable[..., dict[str, Any]], chart: Path, repository: str, tmp_path: Path
) -> None:
    metadata = (chart / "Chart.yaml").read_text() + DEPENDENCY.format(repository)
    (chart / "Chart.yaml").write_text(metadata)
    # It knows no values of charts within it.
    (chart / "values.schema.json").unlink()
    assert "no Chart.lock" in package(chart)["msg"]
    helm(tmp_path, "dependency", "update", str(chart))
    shutil.rmtree(chart / "charts")
    # The lock has 1.1.0; that a newer one appears changes nothing.
    served = tmp_path / "served"
    helm(tmp_path, "package", str(library(tmp_path / "libraries", "1.2.0")), f"--destination={served}")
    helm(tmp_path, "repo", "index", str(served), "--url", repository)
    made = package(chart)
    assert not made.get("failed"), made["msg"]
    with tarfile.open(made["charts"][0]["archive"]) as archive:
        (inner,) = [name for name in archive.getnames() if "charts/common" in name and "Chart.yaml" in name]
        stream = archive.extractfile(inner)
        assert stream is not None
        assert b"version: 1.1.0" in stream.read()
    assert not (chart / "charts").exists()
    again = package(chart, program="helm4")
    assert not again.get("failed"), again["msg"]
    assert (again["changed"], again["charts"][0]["digest"]) == (False, made["charts"][0]["digest"])
    # A chart that says something else than its lock is not what somebody looked at.
    (chart / "Chart.yaml").write_text(metadata.replace("version: 1.x", "version: 1.0.0"))
    refused = package(chart)
    assert refused["failed"]
    assert "out of sync" in refused["msg"]


def edited(chart: Path, old: str, new: str) -> None:
    """Change what stands in one template."""
    (file,) = [file for file in (chart / "templates").iterdir() if old in file.read_text()]
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "values", "said"),
    [
        ("", "", {"replicas": "three"}, "replicas"),
        (REPLICAS, f"{REPLICAS}  replicsa: 2\n", {}, "additional properties 'replicsa' not allowed"),
        (REPLICAS, "  replicas: '1'\n", {}, "/spec/replicas: got string"),
        ("  index.html:", "  index: 1\n  index.html:", {}, "ConfigMap probe: /data/index: got number"),
        ("apiVersion: apps/v1", "apiVersion: apps/v1beta1", {}, "does not serve Deployment of apps/v1beta1"),
        ("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", {}, "violates PodSecurity"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_packaged(
    package: Callable[..., dict[str, Any]],
    chart: Path,
    tmp_path: Path,
    old: str,
    new: str,
    values: dict[str, Any],
    said: str,
) -> None:
    if old:
        edited(chart, old, new)
    result = package(chart, **values)
    assert result["failed"]
    assert said in result["msg"]
    assert not (tmp_path / "packages").exists()


def test_check_mode_writes_nothing(
    package: Callable[..., dict[str, Any]], chart: Path, tmp_path: Path
) -> None:
    planned = package(chart, check=True)
    assert planned["changed"]
    assert not (tmp_path / "packages").exists()
    made = package(chart)
    assert made["diff"] == planned["diff"]
    assert not package(chart, check=True)["changed"]


JOB = """
apiVersion: batch/v1
kind: Job
metadata:
  name: probe-job
  annotations: {helm.sh/hook: test}
spec:
  template:
    spec:
      restartPolicy: Never
      {{- include "probe.pod" . | nindent 6 }}
      containers:
        - name: main
          image: {{ .Values.image }}
          {{- include "probe.container" . | nindent 10 }}
"""


def test_a_test_that_was_run_before_is_no_obstacle(
    client: Client, space: str, package: Callable[..., dict[str, Any]], chart: Path
) -> None:
    """What there is of a Job can never be changed; Helm removes it before it makes the next."""
    (chart / "templates/job.yaml").write_text(JOB)
    container = {"name": "main", "image": "registry.local/before:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    body = {"metadata": {"name": "probe-job"}, "spec": {"template": template}}
    client.call("POST", f"/apis/batch/v1/namespaces/{space}/jobs", body=body)
    assert package(chart)["passed"]
    (chart / "templates/job.yaml").write_text(JOB.replace("helm.sh/hook: test", "some.where/else: test"))
    assert "field is immutable" in package(chart)["msg"]
