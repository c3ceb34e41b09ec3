# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks for credentials in all the places where they get out, and gives one verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials import baseline, cluster, key, sentinel
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.charts import render
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.finding import (
    Channel,
    Found,
    distinct,
    of_report,
)
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.gitleaks import Gitleaks
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.images import config_texts
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.repository import Repository
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.rules import CONFIG
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Joined, Text
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.canonical import digest, digest_of_bytes
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import MissingKubeconfigError
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.plugins.module_utils._kube.transport import UnreachableError
from ansible_collections.rampart.k8s.plugins.module_utils._oci import absence
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane
from ansible_collections.rampart.k8s.plugins.module_utils._oci.parts import Parts, opened
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import parse
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import now

GATE = "secret_scan"

# gitleaks uses all processors by itself; two of them only wait for each other's files.
WORKERS = 2

# A single file of one of these that gives nothing to read is not clean.
TEXTS = (".conf", ".env", ".json", ".log", ".txt", ".yaml", ".yml")

Look = Callable[[], "list[Found]"]


class SecretScan:
    """All places of one task."""

    def __init__(self, parameters: Mapping[str, Any], redactor: Redactor, *, check_mode: bool) -> None:
        self._parameters = parameters
        self._redactor = redactor
        self._check_mode = check_mode
        self._gitleaks = Gitleaks(parameters["gitleaks"], timeout=parameters["timeout"])
        self._git = Cli(parameters["git"], redactor=redactor, timeout=parameters["timeout"])
        self._crane = crane(parameters["crane"], redactor=redactor, timeout=parameters["timeout"])
        self._key = b""

    def plan(self) -> Plan:
        """Look everywhere and judge."""
        missing = absence.programs(self._programs()) if self._check_mode else []
        if missing:
            return Plan(
                False,
                f"there is no {', '.join(missing)} to look with yet",
                result={"passed": False, "violations": [], "findings": [], "looked_into": [], "evidence": []},
            )
        moment = now()
        version = self._gitleaks.version()
        known = self._baseline()
        entries = baseline.parse(known, moment)
        self._key = key.read(self._parameters["fingerprint_key"], check_mode=self._check_mode)
        looks = self._looks()
        if not looks:
            raise RampartError(
                "There is nothing to look into, and nothing is not clean.",
                next_step="name repositories, files, images, charts or a cluster",
            )
        with ThreadPoolExecutor(WORKERS) as pool:
            found = [each for part in pool.map(lambda look: look(), looks) for each in part]
        judged = baseline.judge(distinct(found), entries, moment)
        counts = {channel.value: 0 for channel in Channel}
        for each in judged.found:
            counts[each.channel.value] += 1
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy={"rules": digest_of_bytes(CONFIG.encode()), "baseline": len(entries)},
            tools={"gitleaks": version},
            next_step="revoke each credential where it is accepted, then remove it; or agree upon a last day "
            "in the baseline",
        )
        outcome = Outcome(
            Subject("sources", self._parameters["name"], digest(self._subjects())),
            judged.violations,
            judged.warnings,
            judged.used,
            {"found": len(judged.found), "violations": len(judged.violations), "channels": counts},
        )
        return gate.conclude(
            [outcome],
            findings=[each.data() for each in judged.found],
            counts=counts,
            looked_into=self._subjects(),
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _programs(self) -> list[str]:
        parameters = self._parameters
        wanted = ["gitleaks"]
        wanted += ["git"] if parameters["repositories"] else []
        wanted += ["crane"] if parameters["images"] else []
        wanted += ["helm"] if parameters["charts"] else []
        return [parameters[name] for name in wanted]

    def _baseline(self) -> Any:
        path = self._parameters["baseline"]
        if not path:
            return None
        try:
            return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RampartError(
                f"The baseline {path} cannot be read ({type(error).__name__}).",
                next_step="correct the file, or run without a baseline",
                path=path,
            ) from error

    def _subjects(self) -> list[str]:
        parameters = self._parameters
        found = [f"repository {path}" for path in parameters["repositories"]]
        found += [f"files {path}" for path in parameters["paths"]]
        found += [f"image {image}" for image in parameters["images"]]
        found += [f"chart {each['chart']}" for each in parameters["charts"]]
        if parameters["cluster"]:
            found.append(f"cluster {', '.join(parameters['namespaces']) or 'all namespaces'}")
        return found

    def _looks(self) -> list[Look]:
        parameters = self._parameters
        looks: list[Look] = []
        looks += [partial(self._repository, Path(path)) for path in parameters["repositories"]]
        looks += [partial(self._files, Path(path)) for path in parameters["paths"]]
        looks += [partial(self._image, image) for image in parameters["images"]]
        if parameters["charts"]:
            looks.append(self._charts)
        if parameters["cluster"]:
            looks.append(self._cluster)
        return looks

    def _texts(self, texts: Sequence[tuple[Channel, Text]], subject: str) -> list[Found]:
        """Look into many texts in one process."""
        if not texts:
            return []
        joined = Joined([*(text for _channel, text in texts), sentinel.text()])
        channels = {text.name: channel for channel, text in texts}
        located = []
        for entry in self._gitleaks.texts(joined.content):
            name, line = joined.locate(int(entry["StartLine"]))
            located.append({**entry, "File": name, "StartLine": line})
        report = sentinel.without(located, [sentinel.NAME], subject)
        return [of_report(entry, channels[entry["File"]], subject, self._key) for entry in report]

    def _repository(self, folder: Path) -> list[Found]:
        if self._check_mode and not folder.exists():
            return []
        subject = str(folder)
        repository = Repository(folder, self._git)
        commits = repository.commits()
        report = self._gitleaks.history(repository.store(), expect_commits=repository.has_changes())
        found = [of_report(entry, Channel.HISTORY, subject, self._key) for entry in report]
        # What stands in the tree and in the history is told as history: it must be revoked either way.
        known = {(each.file, each.rule, each.fingerprint) for each in found}
        texts = [(Channel.MESSAGES, text) for text in (repository.messages() if commits else [])]
        texts += [(Channel.TREE, text) for text in repository.uncommitted()]
        return found + [
            each
            for each in self._texts(texts, subject)
            if (each.file, each.rule, each.fingerprint) not in known
        ]

    def _files(self, path: Path) -> list[Found]:
        if not path.exists():
            if self._check_mode:
                return []
            raise RampartError(
                f"{path} does not exist, so nobody can say that it is clean.",
                next_step="correct the path, or leave it out",
                path=str(path),
            )
        expect = path.is_file() and _is_text(path)
        report = self._gitleaks.folder(path, archives=True, expect=expect)
        base = path.parent if path.is_file() else path
        return [
            of_report(
                {**entry, "File": str(entry["File"]).removeprefix(f"{base}/")},
                Channel.FILES,
                str(path),
                self._key,
            )
            for entry in report
        ]

    def _image(self, image: str) -> list[Found]:
        if self._check_mode and absence.images([image], self._crane):
            return []
        with opened(parse(image), self._crane) as parts:
            planted = sentinel.plant(parts.folder, ("".join(Path(name).suffixes) for name in parts.layers))
            report = self._gitleaks.folder(parts.folder, archives=True)
            report = sentinel.without(report, planted, image)
            found = [
                of_report(
                    {**entry, "File": _in_layer(str(entry["File"]), parts)}, Channel.LAYERS, image, self._key
                )
                for entry in report
            ]
            texts = [(Channel.CONFIG, text) for text in config_texts(image, parts.configs)]
        return found + self._texts(texts, image)

    def _charts(self) -> list[Found]:
        found: list[Found] = []
        for chart in self._parameters["charts"]:
            if self._check_mode and not Path(chart["chart"]).exists():
                continue
            texts = render(chart, self._parameters["helm"], self._redactor, self._parameters["timeout"])
            found += self._texts([(Channel.MANIFESTS, text) for text in texts], chart["chart"])
        return found

    def _cluster(self) -> list[Found]:
        try:
            client = Client(Connection.of(self._parameters), self._redactor)
            texts = cluster.read(client, self._parameters["namespaces"])
        except (MissingKubeconfigError, UnreachableError):
            if self._check_mode:
                return []
            raise
        return self._texts(texts, "cluster")


def _is_text(path: Path) -> bool:
    """Say whether there is anything to read in a file; gitleaks passes over programs and pictures."""
    with path.open("rb") as stream:
        start = stream.read(8192)
    return bool(start.strip()) and b"\0" not in start and path.suffix.lower() in ("", *TEXTS)


def _in_layer(file: str, parts: Parts) -> str:
    """Name a file by its layer's digest instead of by where the layer lay for a moment."""
    name, _unused, inside = file.removeprefix(f"{parts.folder}/").partition("!")
    return f"{parts.layers.get(name, name)[:19]}!{inside}" if inside else name
