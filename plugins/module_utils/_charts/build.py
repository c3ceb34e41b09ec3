# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Packages a chart out of a copy of its folder: its dependencies by its lock, and nothing of it changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts.archive import normalised
from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import METADATA, inspect
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm

LOCK = "Chart.lock"
# Deep enough for every file:// that a chart beside others can name.
DEPTH = 8
SECONDS = 300.0


@contextmanager
def copied(chart: Path) -> Iterator[Path]:
    """Yield a copy of a chart's folder, from which its relative dependencies are found where they are."""
    inspect(chart)
    work = Path(tempfile.mkdtemp(prefix="rampart-chart-"))
    try:
        below = work.joinpath(*map(str, range(DEPTH)))
        target = below / "chart"
        shutil.copytree(chart, target, symlinks=True)
        for path in local(dependencies(chart)):
            _link(chart, target, work, path)
        yield target
    finally:
        shutil.rmtree(work, ignore_errors=True)


def dependencies(chart: Path) -> list[dict[str, Any]]:
    """Return what the chart says that it depends on."""
    metadata = yaml.safe_load((chart / METADATA).read_bytes())
    found = metadata.get("dependencies") or []
    return [entry for entry in found if isinstance(entry, dict)]


def local(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the paths of dependencies that lie on this machine."""
    places = [str(entry.get("repository") or "") for entry in entries]
    return [place.removeprefix("file://") for place in places if place.startswith("file://")]


def _link(chart: Path, target: Path, work: Path, path: str) -> None:
    """Let a relative path lead from the copy to where it leads from the chart."""
    if os.path.isabs(path):
        return
    there = (chart / path).resolve()
    here = Path(os.path.normpath(target / path))
    inspect(there)
    if here.is_relative_to(target):
        return
    if not here.is_relative_to(work):
        raise RampartError(
            f"The chart {chart} depends on {path}, more than {DEPTH} folders above it.",
            next_step="name it by its absolute path (file:///...)",
            chart=str(chart),
        )
    here.parent.mkdir(parents=True, exist_ok=True)
    if not here.exists():
        here.symlink_to(there)


def fetch(chart: Path, copy: Path, helm: Helm) -> None:
    """Bring the dependencies that the lock names, in its versions; without a lock they could be any."""
    wanted = [entry for entry in dependencies(copy) if entry.get("repository")]
    if not wanted:
        return
    if not (copy / LOCK).is_file():
        raise RampartError(
            f"The chart {chart} has dependencies and no {LOCK}.",
            next_step="run helm dependency update once, look at what it chose, and commit the lock",
            chart=str(chart),
        )
    links = sorted({str(entry["repository"]) for entry in wanted})
    for link in links:
        if link.startswith(("http://", "https://")):
            # Named by its address: charts of one task share this Helm, and some of them a repository.
            name = hashlib.sha256(link.encode()).hexdigest()[:16]
            helm.run("repo", "add", name, link, about=f"the repository {link}", timeout=SECONDS)
    helm.run("dependency", "build", str(copy), about=f"the dependencies of {chart}", timeout=SECONDS)
    inspect(copy)


def package(chart: Path, copy: Path, helm: Helm, version: str, app_version: str) -> Artifact:
    """Pack the copy; the same files give the same bytes."""
    with tempfile.TemporaryDirectory(prefix="rampart-chart-") as out:
        arguments = ["package", str(copy), "--destination", out]
        arguments += ["--version", version] if version else []
        arguments += ["--app-version", app_version] if app_version else []
        helm.run(*arguments, about=f"the chart {chart}")
        (archive,) = Path(out).glob("*.tgz")
        inspect(archive)
        tar, packed = normalised(archive.read_bytes())
    with tempfile.NamedTemporaryFile(prefix="rampart-chart-", suffix=".tgz") as file:
        file.write(packed)
        file.flush()
        shown = helm.run("show", "chart", file.name, about=f"the chart {chart}").stdout
    return Artifact.of(_plain(yaml.safe_load(shown)), tar, packed)


def _plain(metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict) or not metadata.get("name") or not metadata.get("version"):
        raise RampartError(
            "Helm does not show the name and the version of what it packed.",
            next_step="run helm show chart on the chart by hand",
        )
    return metadata
