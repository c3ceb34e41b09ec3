# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Renders a chart as Helm would install it: shut in, bounded, and only after a look at the chart."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts.complaint import complaint
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import inspect
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._core.sandbox import Sandbox

# Helm's bound for the names of releases.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?")

# Helm renders in memory. The largest charts in use need some 100 MB; a template that repeats itself
# for ever meets this bound, or the deadline.
MEMORY_MB = 768
CORES = 2
LARGEST_OUTPUT = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Release:
    """A chart, and as what it would be installed."""

    name: str
    namespace: str
    chart: Path
    values: Sequence[Path] = ()
    # Laid over the files; handed over on standard input, since they may hold secrets.
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # What charts may ask of the cluster: its version, and the groups that it serves.
    kube_version: str = ""
    api_versions: Sequence[str] = ()


def render(release: Release, helm: str, redactor: Redactor, timeout: float) -> str:
    """Return the manifests. What comes out goes through memory only: it may hold secrets."""
    for what, name in (("release", release.name), ("namespace", release.namespace)):
        if not NAME.fullmatch(name):
            raise RampartError(
                f"The chart {release.chart} cannot be rendered: {name!r} is no name of a {what}.",
                next_step="use lower-case letters, digits and dashes",
            )
    for file in release.values:
        if not file.is_file():
            # Helm would take a link from the network here, and an option for what begins with a dash.
            raise RampartError(
                f"The chart {release.chart} cannot be rendered: there is no file {str(file)!r} with values.",
                next_step="name files of this machine",
            )
    inspect(release.chart)
    sandbox = Sandbox(MEMORY_MB, CORES)
    home = Path(tempfile.mkdtemp(prefix="rampart-chart-"))
    try:
        # Absolute paths: none can be taken for an option, and Helm works in a folder of its own.
        arguments = ["template", release.name, str(release.chart.absolute())]
        arguments += ["--namespace", release.namespace]
        for file in release.values:
            arguments += ["--values", str(file.absolute())]
        arguments += ["--values", "-"] if release.given else []
        arguments += ["--kube-version", release.kube_version] if release.kube_version else []
        for version in release.api_versions:
            arguments += ["--api-versions", version]
        argv = [*sandbox.prefix(), found(helm), *arguments]
        tool = Cli(argv[0], environment=sandbox.environment(home), redactor=redactor, timeout=timeout)
        stdin = json.dumps(release.given) if release.given else None
        manifests = _run(tool, argv[1:], stdin, home, release.chart)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if len(manifests) > LARGEST_OUTPUT:
        raise RampartError(
            f"The chart {release.chart} renders to {len(manifests)} bytes, more than {LARGEST_OUTPUT}.",
            next_step="look at its templates: no cluster takes objects of that size",
            chart=str(release.chart),
        )
    return manifests


def _run(tool: Cli, arguments: Sequence[str], stdin: str | None, home: Path, chart: Path) -> str:
    try:
        return tool.run(*arguments, stdin=stdin, cwd=str(home)).stdout
    except RampartError as error:
        if "rc" not in error.details:
            raise
        raise RampartError(
            f"The chart {chart} cannot be rendered: {complaint(str(error.details['stderr']))}",
            next_step="correct the chart or its values",
            **error.details,
        ) from error


def found(program: str) -> str:
    """Look the program up here: the command that shuts it in would tell its absence less clearly."""
    path = shutil.which(program)
    if not path:
        raise RampartError(
            f"The program {program} is not there, so no chart can be judged.",
            next_step="bring it with playbooks/tools.yml, or name where it is",
        )
    return str(Path(path).absolute())
