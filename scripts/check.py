# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one suite of stages.toml and ends with one line: `N passed, N failed`.

A stage that can share the machine is marked `parallel`; the others run one after the other and show
their output as it comes. Every output is kept in build/logs. What a stage could not do on this
machine it says in a line that begins with `not run:`, and those lines are repeated at the end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import which
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
# Where the playbooks put the tools that they bring.
TOOLS = Path(os.environ.get("RAMPART_TOOLS_BIN", Path.home() / ".cache/rampart/bin"))
VENVS = {"oldest": ROOT / ".venv", "newest": ROOT / ".venv-newest"}
SHOWN_LINES = 60
STARTED = time.monotonic()
_terminal = threading.Lock()


@dataclass(frozen=True, slots=True)
class Stage:
    """One command and how to judge it."""

    suite: str
    name: str
    command: list[str]
    # The end of the support range whose virtual environment runs it.
    end: str = "oldest"
    parallel: bool = False
    # It takes down what another stage brought up, so it runs even after a failure.
    always: bool = False
    # The stages after it make no sense without it.
    required: bool = False
    # It ends with pytest's line of figures: its cases are counted, not the stage.
    pytest: bool = False
    # Its tests look for the tools on the PATH, where they come last.
    tools: bool = False
    # A command that not every machine has.
    needs: str = ""
    # `{scenario}` in the command stands for each Molecule scenario.
    each_scenario: bool = False
    on_failure: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What a stage proved."""

    stage: Stage
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    not_run: list[str] = field(default_factory=list)


def say(line: str) -> None:
    """Print a line with the time since the suite began."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    with _terminal:
        print(f"[{minutes:3d}:{seconds:02d}] {line}", flush=True)


def scenarios() -> list[str]:
    """Name the Molecule scenarios; `default` only makes and removes the cluster of the others."""
    found = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    return [name for name in found if name != "default"]


def stages(suite: str) -> Iterator[Stage]:
    """Read the stages of a suite."""
    listed: list[dict[str, Any]] = tomllib.loads((ROOT / "scripts/stages.toml").read_text())["stage"]
    for stage in (Stage(**entry) for entry in listed if entry["suite"] == suite):
        if not stage.each_scenario:
            yield stage
            continue
        for name in scenarios():
            yield replace(
                stage,
                name=f"{stage.name} {name}",
                command=[part.replace("{scenario}", name) for part in stage.command],
                on_failure=[part.replace("{scenario}", name) for part in stage.on_failure],
            )


def environment(stage: Stage) -> dict[str, str]:
    """Put the stage's virtual environment first, so that one version of a tool serves every caller."""
    venv = VENVS[stage.end]
    base = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    path = [str(venv / "bin"), os.environ["PATH"], *([str(TOOLS)] if stage.tools else [])]
    return {
        **base,
        "PATH": ":".join(path),
        "VIRTUAL_ENV": str(venv),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_NOCOLOR": "1",
        **stage.environment,
    }


def execute(command: list[str], stage: Stage, log: Path, *, live: bool) -> int:
    """Run a command, keep its output, show it as it comes if asked."""
    with log.open("a", encoding="utf-8") as kept:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(stage),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for line in child.stdout or ():
            kept.write(line)
            kept.flush()
            if live:
                say(f"  {line.rstrip()}")
        return child.wait()


def count(stage: Stage, rc: int, lines: list[str]) -> tuple[int, int]:
    """Count what passed and failed; a run that proved nothing is a failure."""
    if not stage.pytest:
        return (1, 0) if rc == 0 else (0, 1)
    last = lines[-1] if lines else ""
    figures = {
        word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", last)
    }
    passed, failed = figures.get("passed", 0), figures.get("failed", 0) + figures.get("error", 0)
    if failed == 0 and (rc != 0 or passed == 0):
        failed = 1
    return passed, failed


def run(stage: Stage) -> Outcome:
    """Run one stage and tell how it went."""
    outcome = Outcome(stage)
    if not (VENVS[stage.end] / "bin" / "python").exists():
        outcome.not_run.append(f"{stage.name}: this machine has no Python newer than the first end's")
        return outcome
    if stage.needs and which(stage.needs, path=environment(stage)["PATH"]) is None:
        outcome.not_run.append(f"{stage.name}: {stage.needs} is not installed")
        return outcome
    log = LOGS / f"{stage.name.replace(' ', '-')}.log"
    log.unlink(missing_ok=True)
    say(f"{stage.name}: started")
    begun = time.monotonic()
    rc = execute(stage.command, stage, log, live=not stage.parallel)
    outcome.seconds = time.monotonic() - begun
    lines = log.read_text(encoding="utf-8").splitlines()
    outcome.passed, outcome.failed = count(stage, rc, lines)
    # pytest lists its skipped cases in lines of that form.
    marks = ("not run: ", "SKIPPED ")
    outcome.not_run += [line.removeprefix("not run: ") for line in lines if line.startswith(marks)]
    if outcome.failed:
        say(f"{stage.name}: FAILED after {outcome.seconds:.0f} s (code {rc}); all of it is in {log}")
        if stage.parallel:
            for line in lines[-SHOWN_LINES:]:
                say(f"  {line}")
        if stage.on_failure:
            execute(stage.on_failure, stage, log, live=True)
    else:
        say(f"{stage.name}: passed in {outcome.seconds:.0f} s")
    return outcome


def run_all(listed: list[Stage]) -> list[Outcome]:
    """Run what can share the machine side by side, then the rest in order."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        outcomes = list(pool.map(run, [stage for stage in listed if stage.parallel]))
    broken = ""
    for stage in (stage for stage in listed if not stage.parallel):
        if broken and not stage.always:
            outcomes.append(Outcome(stage, failed=1, not_run=[f"{stage.name}: {broken} failed before it"]))
            continue
        outcome = run(stage)
        outcomes.append(outcome)
        if outcome.failed and stage.required:
            broken = stage.name
    return outcomes


def main(suite: str) -> int:
    """Run a suite, then say what passed, what failed and what could not run here."""
    listed = list(stages(suite))
    if not listed:
        print(f"stages.toml has no suite '{suite}'", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    outcomes = run_all(listed)
    print(f"\n{'stage':<34}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for outcome in outcomes:
        print(f"{outcome.stage.name:<34}{outcome.passed:>8}{outcome.failed:>8}{outcome.seconds:>9.0f}")
    for line in (line for outcome in outcomes for line in outcome.not_run):
        print(f"not run: {line}")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
