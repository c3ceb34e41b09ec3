# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs Helm 3 or Helm 4 shut in: a home of its own, its settings nobody's, its credentials in memory."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ansible_collections.rampart.k8s.plugins.module_utils._charts.complaint import complaint, ended, faults
from ansible_collections.rampart.k8s.plugins.module_utils._charts.inspect import inspect
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import LARGEST_OUTPUT, NAME
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, Completed
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import anonymous_file
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._core.sandbox import Sandbox
from ansible_collections.rampart.k8s.plugins.module_utils._helm import config_hash
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import Revision
from ansible_collections.rampart.k8s.plugins.module_utils._kube import kubeconfig
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import Credentials

MAJORS = (3, 4)
# Older ones can be led out of a chart's folder (CVE-2026-35204 to -35206).
MINIMUM = {3: (3, 20, 2), 4: (4, 1, 4)}

MEMORY_MB = 768
CORES = 2
# Helm ends what it waits for by itself; this is for a Helm that does not.
GRACE = 30.0
# A template that repeats itself for ever meets this, or the bound of its memory.
RENDER_SECONDS = 60.0

KILLED = "find out who ended it (the kernel does where memory is short), and run again"

PLUGIN = "rampart-config-hash"
PLUGIN_FILE = """\
name: {name}
version: 1.0.0
type: postrenderer/v1
apiVersion: v1
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: {python}
      args: [{script}]
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be installed, and as what."""

    name: str
    namespace: str
    chart: Path
    # Given on standard input: they may hold secrets.
    values: Mapping[str, Any] = field(repr=False)
    values_files: Sequence[Path] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    history_max: int = 10
    timeout: int = 300
    # Take over fields that somebody else has applied; Helm 3 never asks.
    force_conflicts: bool = False

    def check(self) -> None:
        """Refuse names that are none, files that are not there, and charts that lead out of themselves."""
        for what, name in (("release", self.name), ("namespace", self.namespace)):
            if not NAME.fullmatch(name):
                raise RampartError(
                    f"{name!r} is no name of a {what}.", next_step="use lower-case letters, digits and dashes"
                )
        for file in self.values_files:
            if not file.is_file():
                # Helm would take a link from the network here, and an option for what begins with a dash.
                raise RampartError(
                    f"The release {self.namespace}/{self.name} cannot be rendered: there is no file "
                    f"{str(file)!r} with values.",
                    next_step="name files of this machine",
                )
        inspect(self.chart)


class Helm:
    """One Helm, with the credentials of one cluster or of none."""

    def __init__(self, program: str, redactor: Redactor, credentials: Credentials | None = None) -> None:
        self._program = program
        self._redactor = redactor
        self._credentials = credentials
        self._version = ""

    def __enter__(self) -> Self:
        found = shutil.which(self._program)
        if not found:
            raise RampartError(
                f"The program {self._program} is not there.",
                next_step="bring it with playbooks/tools.yml, or name where it is",
            )
        self.home = Path(tempfile.mkdtemp(prefix="rampart-helm-"))
        sandbox = Sandbox(MEMORY_MB, CORES, online=True)
        self._argv = [*sandbox.prefix(), str(Path(found).absolute())]
        self._plugins = self.home / "plugins"
        environment = {**sandbox.environment(self.home), "HELM_PLUGINS": str(self._plugins)}
        self._cli = Cli(self._argv[0], environment=environment, redactor=self._redactor)
        self._config = anonymous_file()
        self._global: list[str] = []
        if self._credentials:
            self._config.write(json.dumps(kubeconfig.document(self._credentials)).encode())
            self._config.flush()
            self._global = ["--kubeconfig", f"/dev/fd/{self._config.fileno()}"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._config.close()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def version(self) -> str:
        """Which Helm it is; one that this collection does not know, or that is not safe, is an error."""
        if not self._version:
            said = self.run("version", "--template", "{{.Version}}").stdout.strip().removeprefix("v")
            parts = tuple(int(part) for part in said.partition("+")[0].partition("-")[0].split(".") if part)
            if not parts or parts[0] not in MAJORS:
                raise RampartError(
                    f"{self._program} is Helm {said or 'of no version'}; 3 and 4 are known here.",
                    next_step="bring one of them with playbooks/tools.yml",
                )
            if parts < MINIMUM[parts[0]]:
                least = ".".join(map(str, MINIMUM[parts[0]]))
                raise RampartError(
                    f"{self._program} is Helm {said}, which a chart can be led out of.",
                    next_step=f"use {least} or newer",
                )
            self._version = said
        return self._version

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def run(
        self,
        *arguments: str,
        stdin: str | None = None,
        timeout: float = 60.0,
        about: str = "",
        started: Callable[[int], None] | None = None,
        accept: Sequence[int] = (0,),
    ) -> Completed:
        """Run one command of Helm; what it says of a failure is told without how it was started."""
        try:
            return self._cli.run(
                *self._argv[1:],
                *arguments,
                *self._global,
                stdin=stdin,
                timeout=timeout,
                cwd=str(self.home),
                pass_fds=(self._config.fileno(),),
                started=started,
                accept=accept,
            )
        except RampartError as error:
            if "rc" not in error.details:
                raise
            killed = ended(error.details["rc"])
            raise RampartError(
                f"Helm could not {arguments[0]} {about or 'what it was asked to'}: "
                f"{killed or complaint(str(error.details['stderr']))}",
                next_step=KILLED if killed else "correct the chart or its values",
                **error.details,
            ) from error

    def rendered(self, delivery: Delivery) -> Revision:
        """Return the revision that an upgrade would make, rendered for this very cluster."""
        done = self._upgrade(delivery, "--dry-run=server", seconds=RENDER_SECONDS)
        if len(done.stdout) > LARGEST_OUTPUT:
            raise RampartError(
                f"The release {delivery.namespace}/{delivery.name} renders to {len(done.stdout)} bytes, "
                f"more than {LARGEST_OUTPUT}.",
                next_step="look at the chart's templates: no cluster takes objects of that size",
            )
        found: Any = done.json()
        return Revision.of(found)

    def upgrade(self, delivery: Delivery, started: Callable[[int], None]) -> None:
        """Install or upgrade, without waiting: whoever calls knows better when it is done."""
        self._upgrade(delivery, started=started)

    def _upgrade(
        self,
        delivery: Delivery,
        *more: str,
        started: Callable[[int], None] | None = None,
        seconds: float = 0.0,
    ) -> Completed:
        arguments = ["upgrade", delivery.name, str(delivery.chart.absolute()), "--install"]
        arguments += ["--namespace", delivery.namespace, "--output", "json"]
        for file in delivery.values_files:
            arguments += ["--values", str(file.absolute())]
        arguments += ["--values", "-", "--history-max", str(delivery.history_max)]
        arguments += ["--timeout", f"{delivery.timeout}s", *self._post_renderer(), *more]
        # Half of Helm's time goes into reading the schemas, for a weaker judgement than the server's own
        # strict one, which every upgrade has behind it (trial).
        arguments += ["--disable-openapi-validation"]
        arguments += self._forced(delivery.force_conflicts)
        if delivery.labels:
            arguments += ["--labels", ",".join(f"{key}={value}" for key, value in delivery.labels.items())]
        return self.run(
            *arguments,
            stdin=json.dumps(delivery.values),
            timeout=seconds or delivery.timeout + GRACE,
            about=f"the release {delivery.namespace}/{delivery.name}",
            started=started,
        )

    def _forced(self, wanted: bool) -> list[str]:
        return ["--force-conflicts"] if wanted and self.major > 3 else []

    def _post_renderer(self) -> list[str]:
        script = self.home / "config_hash.py"
        if not script.exists():
            script.write_text(source(config_hash.__name__))
        if self.major == 3:
            return ["--post-renderer", sys.executable, "--post-renderer-args", str(script)]
        # Helm 4 runs plugins only.
        folder = self._plugins / PLUGIN
        if not folder.exists():
            folder.mkdir(parents=True)
            text = PLUGIN_FILE.format(name=PLUGIN, python=sys.executable, script=script)
            (folder / "plugin.yaml").write_text(text)
        return ["--post-renderer", PLUGIN]

    def lint(self, chart: Path, files: Sequence[Path], values: Mapping[str, Any], version: str) -> None:
        """Look for what charts should not have, warnings included."""
        # --with-subcharts would judge parts without the values and the helpers that the whole gives them.
        arguments = ["lint", str(chart), "--strict", "--quiet"]
        for file in files:
            arguments += ["--values", str(file.absolute())]
        arguments += ["--values", "-"]
        arguments += ["--kube-version", version] if version else []
        done = self.run(*arguments, stdin=json.dumps(values), about="the chart", accept=(0, 1))
        if done.rc:
            found = [self._redactor.text(each) for each in faults(done.stdout, str(chart))]
            raise RampartError(
                f"Helm finds fault with the chart: {'; '.join(found) or complaint(done.stderr)}",
                next_step="correct what is named; warnings count here",
            )

    def rollback(self, name: str, namespace: str, number: int, *, timeout: int, history_max: int) -> None:
        """Make a new revision with the content of an old one, without waiting."""
        self.run(
            "rollback",
            name,
            str(number),
            "--namespace",
            namespace,
            "--timeout",
            f"{timeout}s",
            "--history-max",
            str(history_max),
            # What is live is wrong; nobody's hand in it may hold up the way back.
            *self._forced(True),
            timeout=timeout + GRACE,
            about=f"the release {namespace}/{name} to revision {number}",
        )

    def uninstall(self, name: str, namespace: str, *, timeout: int) -> None:
        """Remove a release with its history, and wait until its objects are gone."""
        self.run(
            "uninstall",
            name,
            "--namespace",
            namespace,
            "--wait",
            "--timeout",
            f"{timeout}s",
            timeout=timeout + GRACE,
            about=f"the release {namespace}/{name}",
        )


def source(module: str) -> str:
    """Return the text of a module of this collection, wherever it was loaded from."""
    spec = importlib.util.find_spec(module)
    loader: Any = spec.loader if spec else None
    text: str | None = loader.get_source(module) if loader else None
    if not text:
        raise RampartError(
            f"The source of {module} is not at hand.", next_step="report it with the version of Ansible"
        )
    return text
