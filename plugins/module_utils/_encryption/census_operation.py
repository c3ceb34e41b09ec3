# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes the census: reads etcd or a snapshot of it once, counts, and says what can be claimed."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Tally
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census_report import (
    describe,
    encrypts,
    outcome,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_snapshot import Snapshot
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import PLAIN, Configuration
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.source import Source, count
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate


@dataclass(frozen=True, slots=True)
class Question:
    """What the census is asked. Either an etcd or a snapshot of one is read."""

    endpoint: Endpoint | None
    prefix: str
    resources: tuple[str, ...]
    config_path: str | None
    needles: tuple[bytes, ...] = ()
    etcd_data_dir: str | None = None
    snapshot: str | None = None

    @property
    def subject(self) -> str:
        """What is counted, in a word."""
        return Path(self.snapshot).name if self.snapshot else self.endpoint.url if self.endpoint else ""

    def open(self) -> Source:
        """Return where the values come from."""
        if self.snapshot:
            return Snapshot(self.snapshot)
        if self.endpoint is None:
            raise RampartError("The census was told no etcd.", next_step="give endpoint or snapshot")
        return Gateway(self.endpoint)


def files_with(needles: tuple[bytes, ...], folder: str) -> Iterator[str]:
    """Yield the files of an etcd member in which a needle stands; compaction does not clean them."""
    for file in sorted(path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()):
        with file.open("rb") as stream:
            if not stream.seek(0, 2):
                continue
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if any(content.find(needle) >= 0 for needle in needles):
                    yield str(file)


def tallies(
    prefix: str,
    resources: tuple[str, ...],
    configuration: Configuration | None,
    needles: tuple[bytes, ...] = (),
) -> Callable[[], Tally]:
    """Return what makes a tally of the resources that were named, or of all that is written encrypted."""
    entries = configuration.entries if configuration else ()
    wanted = resources or tuple(name for entry in entries if entry.mark != PLAIN for name in entry.resources)
    if not wanted:
        raise RampartError(
            "The census was not told which resources have to be encrypted.",
            next_step="give resources, or the config_path of the API server",
        )
    wants = None if resources or configuration is None else encrypts(configuration)
    return lambda: Tally(prefix, wanted, needles, wants)


class Census:
    """The operation behind the module encryption_census_info; it changes nothing."""

    def __init__(
        self, question: Question, redactor: Redactor, gate: Callable[[Sequence[str]], Gate] | None = None
    ) -> None:
        self._question = question
        self._redactor = redactor
        self._gate = gate

    def plan(self) -> Plan:
        """Count and judge, and sign the verdict when a gate is there to do so."""
        question = self._question
        configuration = None
        if question.config_path:
            file = ConfigFile(Path(question.config_path), self._redactor)
            configuration = file.require().configuration
        tally = tallies(question.prefix, question.resources, configuration, question.needles)
        with closing(question.open()) as source:
            counted = count(source, question.prefix, tally)
        result = describe(counted, configuration, self._file_hits())
        evidence = []
        if self._gate:
            verdict = self._gate(result["wanted"]).conclude([outcome(question.subject, result)])
            evidence = verdict.result["evidence"]
        return Plan(False, result.pop("reason"), result={**result, "evidence": "".join(evidence)})

    def apply(self, plan: Plan) -> Plan:
        """Nothing is to do."""
        return plan

    def _file_hits(self) -> list[str]:
        question = self._question
        if not (question.needles and question.etcd_data_dir):
            return []
        try:
            hits = list(files_with(question.needles, question.etcd_data_dir))
        except OSError as error:
            raise RampartError(
                f"Could not search the files of etcd in {question.etcd_data_dir}: {error.strerror}.",
                next_step="run as the user who owns the etcd data",
            ) from error
        return hits
