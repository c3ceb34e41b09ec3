# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Takes the census: reads etcd once, counts, and says what can be claimed."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import document
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.census import Tally, judge, percentage
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.etcd_gateway import Endpoint, Gateway
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    Configuration,
    entries_of,
    from_data,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.validation import validate


@dataclass(frozen=True, slots=True)
class Question:
    """What the census is asked."""

    endpoint: Endpoint
    prefix: str
    resources: tuple[str, ...]
    config_path: str | None
    needles: tuple[bytes, ...]
    etcd_data_dir: str | None


def load(path: str) -> Configuration:
    """Read the configuration that the API server uses; a broken one is no ground for a verdict."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise RampartError(
            f"Could not read the encryption configuration {path}: {error.strerror}.",
            next_step="run on the API server's machine as root, or name the resources instead",
        ) from error
    parsed = document.read(content)
    problems = validate(parsed)
    if problems:
        raise RampartError(
            f"The encryption configuration {path} is not valid: {problems[0]}.",
            next_step="correct what is named",
        )
    return from_data(parsed.data)


def files_with(needles: tuple[bytes, ...], folder: str) -> Iterator[str]:
    """Yield the files of an etcd member in which a needle stands; compaction does not clean them."""
    for file in sorted(path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()):
        with file.open("rb") as stream:
            if not stream.seek(0, 2):
                continue
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if any(content.find(needle) >= 0 for needle in needles):
                    yield str(file)


class Census:
    """The operation behind the module encryption_census_info; it changes nothing."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def plan(self) -> Plan:
        """Count and judge."""
        question = self._question
        configuration = load(question.config_path) if question.config_path else None
        wanted = question.resources or self._encrypted_by(configuration)
        if not wanted:
            raise RampartError(
                "The census was not told which resources have to be encrypted.",
                next_step="give resources, or the config_path of the API server",
            )
        prefix = question.prefix.rstrip("/").encode() + b"/"
        gateway = Gateway(question.endpoint)
        try:
            live = Tally(question.prefix, wanted, question.needles)
            history = Tally(question.prefix, wanted, question.needles)
            revision = gateway.revision()
            for value in gateway.values(prefix, revision):
                live.add(*value)
            compacted = gateway.compacted()
            for value in gateway.history(prefix, revision):
                history.add(*value)
        finally:
            gateway.close()
        hits = self._file_hits()
        verdict = judge(live, history, hits)
        rows = live.rows()
        if configuration is not None:
            rows = [{**row, "current": self._is_current(configuration, row)} for row in rows]
        whole, sealed = live.total(), live.total(encrypted=True)
        return Plan(
            False,
            verdict.reason,
            result={
                "verdict": verdict.verdict,
                "encrypted_completely": verdict.complete,
                "encrypted_percent": percentage(sealed, whole),
                "wanted": list(wanted),
                "nothing_stored_of": live.missing(),
                "live_values": whole,
                "encrypted": sealed,
                "unencrypted": whole - sealed,
                "unencrypted_objects": live.open_objects,
                "under_other_keys": sum(row["count"] for row in rows if not row.get("current", True)),
                "counts": rows,
                "revision": revision,
                "compacted_revision": compacted,
                "history_values": history.total(),
                "history_unencrypted": history.total(encrypted=False),
                "canary_objects": sorted({*live.needle_objects, *history.needle_objects}),
                "canary_files": hits,
            },
        )

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

    @staticmethod
    def _encrypted_by(configuration: Configuration | None) -> tuple[str, ...]:
        """Return the resources that a configuration writes encrypted."""
        entries = configuration.entries if configuration else ()
        return tuple(name for entry in entries if entry.writer.kind != "identity" for name in entry.resources)

    @staticmethod
    def _is_current(configuration: Configuration, row: dict[str, Any]) -> bool:
        """Tell whether values carry the key that the configuration writes with now."""
        entries = entries_of(configuration, row["resource"])
        if not row["wanted"] or not entries:
            return True
        writer = entries[0].writer
        name = writer.kms.get("name") if writer.kind == "kms" else next((key.name for key in writer.keys), "")
        return (row["provider"], row["key"]) == (writer.kind, name)
