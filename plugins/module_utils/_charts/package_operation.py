# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Packages charts that the gate lets through: judged as they would be delivered, to each environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._charts import artifact, build, conform
from ansible_collections.rampart.k8s.plugins.module_utils._charts.artifact import Artifact
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import Release, render
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._helm import changes, manifests, trial
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import Helm
from ansible_collections.rampart.k8s.plugins.module_utils._kube import objects
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import CONNECTION, Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError

GATE = "helm_package"
SECONDS = 60.0

RELEASE = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "values": {"type": "dict", "default": {}},
    "secret_values": {"type": "dict", "default": {}, "no_log": True},
    "values_files": {"type": "list", "elements": "path", "default": []},
}

SPEC = (
    ArgumentSpec(
        {
            "charts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "chart": {"type": "path", "required": True},
                    "version": {"type": "str", "default": ""},
                    "app_version": {"type": "str", "default": ""},
                    "releases": {"type": "list", "elements": "dict", "required": True, "options": RELEASE},
                },
            },
            "destination": {"type": "path", "required": True},
            "helm": {"type": "path", "default": "helm"},
            "kubeconform": {"type": "path", "default": "kubeconform"},
            "schema_cache": {"type": "path", "required": True},
        }
    )
    | CONNECTION
    | REPORT
    | EVIDENCE
)


def build_operation(module: AnsibleModule, redactor: Redactor) -> HelmPackage:
    """Take over the arguments, and teach the redactor the secrets in them."""
    for chart in module.params["charts"]:
        for release in chart["releases"]:
            redactor.add(*changes.texts(release["secret_values"]))
    # However short: see helm_deploy, where this is done for the same reason.
    module.no_log_values = set()
    return HelmPackage(module, redactor)


@dataclass(slots=True)
class Found:
    """What there is of a chart as one release, and what speaks against it."""

    violations: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    objects: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A packaged chart, and what was found in the order of its releases."""

    chart: Path
    package: Artifact
    found: Sequence[Found]

    @property
    def violations(self) -> list[str]:
        """All that speaks against it."""
        return [each for found in self.found for each in found.violations]

    @property
    def warnings(self) -> list[str]:
        """All that is only told."""
        return [each for found in self.found for each in found.warnings]

    @property
    def objects(self) -> int:
        """How many objects were judged."""
        return sum(found.objects for found in self.found)


class HelmPackage:
    """All charts of one task."""

    def __init__(self, module: AnsibleModule, redactor: Redactor) -> None:
        self._module = module
        self._redactor = redactor
        self._parameters: Mapping[str, Any] = module.params
        self._destination = Path(module.params["destination"])
        self._judged: list[Judged] = []

    def plan(self) -> Plan:
        """Package into memory and judge; nothing is written before all charts have passed."""
        client = self._client()
        with Helm(self._parameters["helm"], self._redactor) as helm:
            for entry in self._parameters["charts"]:
                self._judged.append(self._judge(entry, helm, client))
            tools = {"helm": helm.version}
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._module.check_mode,
            policy={"strict": True},
            tools=tools,
            next_step="correct the chart or its values; nothing was packaged",
        )
        verdict = gate.conclude(
            [self._outcome(each) for each in self._judged],
            charts=[self._described(each) for each in self._judged],
        )
        new = [each for each in self._judged if artifact.present(self._layout(each)) != each.package.digest]
        names = ", ".join(f"{each.package.name} {each.package.version}" for each in new)
        return replace(
            verdict,
            changed=bool(new),
            reason=f"{verdict.reason}; {f'to be written: {names}' if new else 'all packages are there'}",
            before={each.package.name: artifact.present(self._layout(each)) for each in new},
            after={each.package.name: each.package.digest for each in new},
        )

    def apply(self, plan: Plan) -> Plan:
        """Write what is not there yet: the layout that is signed, and the file that people know."""
        for each in self._judged:
            if artifact.present(self._layout(each)) != each.package.digest:
                each.package.write(self._layout(each))
            if not self._archive(each).exists() or self._archive(each).read_bytes() != each.package.package:
                write_atomic(self._archive(each), each.package.package, mode=0o644)
        return plan

    def _client(self) -> Client | None:
        try:
            client = Client(Connection.of(self._parameters), self._redactor)
            client.get("/version", target="the version of the cluster")
        except (MissingKubeconfigError, UnreachableError) as error:
            if not self._module.check_mode:
                raise
            self._module.warn(f"There is no cluster to judge by yet: {error.message}")
            return None
        return client

    def _layout(self, judged: Judged) -> Path:
        return self._destination / judged.package.name

    def _archive(self, judged: Judged) -> Path:
        return self._destination / f"{judged.package.name}-{judged.package.version}.tgz"

    def _judge(self, entry: Mapping[str, Any], helm: Helm, client: Client | None) -> Judged:
        chart = Path(entry["chart"])
        if not entry["releases"]:
            raise RampartError(
                f"The chart {chart} is to be packaged for no release, so nothing of it could be judged.",
                next_step="name the releases that it is meant for",
            )
        with build.copied(chart) as copy:
            build.fetch(chart, copy, helm)
            made = build.package(chart, copy, helm, entry["version"], entry["app_version"])
            # Each is judged by programs of its own.
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                parts = pool.map(
                    lambda release: self._judge_as(chart, copy, release, helm, client), entry["releases"]
                )
                return Judged(chart, made, list(parts))

    def _judge_as(
        self, chart: Path, copy: Path, release: Mapping[str, Any], helm: Helm, client: Client | None
    ) -> Found:
        """Judge a chart as one release of it."""
        where = f"{release['namespace']}/{release['name']}"
        try:
            rendered = self._rendered(copy, release, helm, client)
        except RampartError as error:
            # The copy is nobody's business.
            said = error.message.replace(str(copy), str(chart)).rstrip(".")
            return Found(violations=[f"{where}: {said}"])
        found = Found(objects=len(rendered))
        if client is not None:
            self._by_cluster(found, where, release["namespace"], rendered, client)
        return found

    def _rendered(
        self, copy: Path, release: Mapping[str, Any], helm: Helm, client: Client | None
    ) -> list[dict[str, Any]]:
        """Lint and render as the release would be; the schema of the values is checked by both."""
        files = [Path(file) for file in release["values_files"]]
        given = changes.merged(release["values"] or {}, release["secret_values"] or {})
        version, served = self._capabilities(client)
        wanted = Release(release["name"], release["namespace"], copy, files, given, version, served)
        text = render(wanted, self._parameters["helm"], self._redactor, SECONDS)
        helm.lint(copy, files, given, version)
        found = manifests.parse(text, f"{release['namespace']}/{release['name']}")
        if not found:
            raise RampartError(
                "it renders to nothing, so there is nothing to judge", next_step="correct its values"
            )
        return [objects.prepare(item, position)[0] for position, item in enumerate(found)]

    @staticmethod
    def _capabilities(client: Client | None) -> tuple[str, Sequence[str]]:
        """Ask the cluster what charts ask Helm about it."""
        if client is None:
            return "", ()
        version = client.get("/version", target="the version of the cluster")
        groups = client.get("/apis", target="the groups of the cluster").get("groups") or []
        served = [each["groupVersion"] for group in groups for each in group.get("versions") or []]
        return str(version["gitVersion"]), sorted(served)

    def _by_cluster(
        self, found: Found, where: str, namespace: str, rendered: list[dict[str, Any]], client: Client
    ) -> None:
        """Judge by the schemas, and then by the admission, of the cluster that it is meant for."""
        for item in rendered:
            self._redactor.add(*objects.secret_values(item))
        schemas = conform.Schemas(client, Path(self._parameters["schema_cache"]))
        wrong = conform.judge(rendered, schemas, self._parameters["kubeconform"], self._redactor)
        found.violations += [f"{where}: {each}" for each in wrong]
        if wrong:
            return
        discovery = Discovery(client)
        # Tests and other hooks are made like the rest, only later.
        tried = trial.judge(client, discovery, manifests.locate(rendered, discovery, namespace))
        found.violations += [f"{where}: {each}" for each in tried.refusals]
        found.warnings += [f"{where}: {each}" for each in tried.warnings]

    @staticmethod
    def _outcome(judged: Judged) -> Outcome:
        package = judged.package
        return Outcome(
            Subject("chart", f"{package.name} {package.version}", package.digest),
            violations=judged.violations,
            warnings=judged.warnings,
            summary={"objects": judged.objects, "violations": len(judged.violations)},
        )

    def _described(self, judged: Judged) -> dict[str, Any]:
        package = judged.package
        return {
            "name": package.name,
            "version": package.version,
            "digest": package.digest,
            "layout": f"oci:{self._layout(judged)}",
            "archive": str(self._archive(judged)),
            "objects": judged.objects,
        }
