# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Runs kube-bench and reads its answer; an answer that is not whole is no answer."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis import definitions
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Process
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Definition, Finding, Status
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# A process's arguments are evidence, but the flag in question is enough of them.
LONGEST_EVIDENCE = 400


@dataclass(frozen=True, slots=True)
class KubeBench:
    """The program with its definitions."""

    program: str
    folder: Path
    benchmark: str
    timeout: float

    def run(
        self,
        targets: tuple[str, ...],
        processes: Mapping[str, Process],
        files: Mapping[str, str],
        paths: Mapping[str, str],
    ) -> dict[str, Finding]:
        """Ask kube-bench about one cluster and return its answer to every control of the targets."""
        with tempfile.TemporaryDirectory(prefix="rampart-cis-") as folder:
            rendered = definitions.render(self.folder, self.benchmark, targets, processes, paths)
            rendered["config.yaml"] = definitions.configuration(self.benchmark, targets, files)
            # kube-bench wants a file for the version's own settings; ours are all in the other one.
            rendered[f"{self.benchmark}/config.yaml"] = "---\n"
            for name, text in rendered.items():
                file = Path(folder, name)
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
            done = Cli(self.program, timeout=self.timeout).run(
                "run",
                "--config-dir",
                folder,
                "--config",
                f"{folder}/config.yaml",
                "--benchmark",
                self.benchmark,
                "--targets",
                ",".join(targets),
                "--json",
                cwd=folder,
            )
        return parse(done.json(), [control for target in targets for control in self.controls(target)])

    def controls(self, target: str) -> list[Definition]:
        """Return the controls of one part of the benchmark."""
        return definitions.controls(self.folder, self.benchmark, target)


def _shorten(found: str, expected: str) -> str:
    """Of a process's arguments, show the program and the flags that the check is about."""
    words = found.split()
    asked = re.findall(r"--[\w-]+", expected)
    if not asked or not any(word.startswith("--") for word in words):
        # One word per file that was looked at: mostly the same, so they are counted.
        counted = [f"{count} x {word}" if count > 1 else word for word, count in Counter(words).items()]
        return " ".join(counted)[:LONGEST_EVIDENCE]
    shown = [word for word in words if word.partition("=")[0] in asked]
    unset = [flag for flag in asked if not any(word.partition("=")[0] == flag for word in words)]
    parts = [os.path.basename(words[0]), *shown, *(f"({flag} is not set)" for flag in dict.fromkeys(unset))]
    return " ".join(parts)[:LONGEST_EVIDENCE]


def _finding(result: dict[str, Any]) -> Finding:
    # kube-bench says INFO when a check was skipped on purpose.
    status = Status.WARN if result["status"] == "INFO" else Status(result["status"])
    expected = str(result.get("expected_result") or "")
    parts = (
        ("found", _shorten(str(result.get("actual_value") or ""), expected)),
        ("expected", expected),
        ("because", str(result.get("reason") or "")),
    )
    return Finding(status, tuple(f"{name}: {' '.join(value.split())}" for name, value in parts if value))


def parse(answer: Any, wanted: list[Definition]) -> dict[str, Finding]:
    """Return the answers by control; every control that was asked has to be answered once."""
    findings: dict[str, Finding] = {}
    try:
        for block in answer["Controls"]:
            for group in block["tests"]:
                for result in group["results"]:
                    name = str(result["test_number"])
                    if name in findings:
                        raise _not_whole(f"it answers {name} twice")
                    findings[name] = _finding(result)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_whole(f"it is not in the form that kube-bench 0.12 gives ({error!r})") from error
    missing = [control.id for control in wanted if control.id not in findings]
    if missing:
        raise _not_whole(f"no answer to {', '.join(missing)}")
    return findings


def _not_whole(why: str) -> RampartError:
    return RampartError(
        f"The answer of kube-bench is not whole: {why}. Nothing is claimed from it.",
        next_step="run kube-bench by hand and look at what it prints",
    )
