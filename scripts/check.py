# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one suite of stages.toml and ends with one line: `N passed, N failed`.

Stages run in their order. Neighbours that name a lane share the machine: each lane is run in order,
the lanes beside each other. Every output is kept in build/logs. What a stage could not do on this
machine it says in a line that begins with `not run:`; those lines, and the ones in which a failed
stage says why, are repeated at the end, where they are found however long the output was.
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
from itertools import groupby
from pathlib import Path
from shutil import which
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
# Where the playbooks put the tools that they bring.
TOOLS = Path(os.environ.get("RAMPART_TOOLS_BIN", Path.home() / ".cache/rampart/bin"))
VENVS = {"oldest": ROOT / ".venv", "newest": ROOT / ".venv-newest"}
# How many lines of a failed stage are shown where it fails, and at the very end; of a reason as many
# as Ansible breaks a long sentence into.
SHOWN_LINES = 60
REASONS = 36
REASON_LINES = 4
# What pytest, Ansible, Molecule and the checkers (yamllint and ansible-lint the last two) give a reason in.
REASON = re.compile(
    r"^\s*(?:FAILED |ERROR |E   |fatal: |\[ERROR\]|CRITICAL|.*\berror: |\d+:\d+ +error |[\w-]+\[[\w-]+\]: )"
    r"|'msg': |^\s*msg: "
)
STARTED = time.monotonic()
# Colours, and the tree that Molecule draws before the lines of a playbook.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TREE = " \t│├└─"
_terminal = threading.Lock()


@dataclass(frozen=True, slots=True)
class Stage:
    """One command and how to judge it."""

    suite: str
    name: str
    command: list[str]
    # The end of the support range whose virtual environment runs it.
    end: str = "oldest"
    # Stages of one lane run in order, beside those of the neighbouring lanes; without one a stage runs alone.
    lane: str = ""
    # Its output is shown only when it fails.
    quiet: bool = False
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
    # `{scenario}` stands for each of these Molecule scenarios; "*" for all that no stage names.
    scenarios: list[str] = field(default_factory=list)
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
    reasons: list[str] = field(default_factory=list)


def say(line: str) -> None:
    """Print a line with the time since the suite began."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    with _terminal:
        print(f"[{minutes:3d}:{seconds:02d}] {line}", flush=True)


def scenarios(listed: list[Stage]) -> list[str]:
    """Name the Molecule scenarios that no stage names; `default` only makes the cluster of the others."""
    named = {"default", *(name for stage in listed for name in stage.scenarios)}
    return sorted({path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")} - named)


def stages(suite: str) -> Iterator[Stage]:
    """Read the stages of a suite."""
    entries: list[dict[str, Any]] = tomllib.loads((ROOT / "scripts/stages.toml").read_text())["stage"]
    listed = [Stage(**entry) for entry in entries]
    for stage in (stage for stage in listed if stage.suite == suite):
        for name in scenarios(listed) if stage.scenarios == ["*"] else stage.scenarios:
            yield replace(
                stage,
                name=f"{stage.name} {name}",
                command=[part.replace("{scenario}", name) for part in stage.command],
                on_failure=[part.replace("{scenario}", name) for part in stage.on_failure],
            )
        if not stage.scenarios:
            yield stage


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
                say(f"  {stage.lane and stage.name + ' | '}{line.rstrip()}")
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


def reasons(lines: list[str]) -> list[str]:
    """Pick the lines that say why, and those over which such a sentence goes on; else the last ones."""
    picked: dict[int, str] = {}
    for start in (number for number, line in enumerate(lines) if REASON.search(line)):
        for number, line in enumerate(lines[start : start + REASON_LINES], start):
            if not line:
                break
            picked[number] = line
    return (list(picked.values()) or lines)[-REASONS:]


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
    rc = execute(stage.command, stage, log, live=not stage.quiet)
    outcome.seconds = time.monotonic() - begun
    lines = log.read_text(encoding="utf-8").splitlines()
    outcome.passed, outcome.failed = count(stage, rc, lines)
    # pytest lists its skipped cases in lines of that form.
    marks = ("not run: ", "SKIPPED ")
    outcome.not_run += [line.removeprefix("not run: ") for line in lines if line.startswith(marks)]
    if outcome.failed:
        outcome.reasons = reasons([COLOUR.sub("", line).strip(TREE) for line in lines])
        say(f"{stage.name}: FAILED after {outcome.seconds:.0f} s (code {rc}); all of it is in {log}")
        if stage.quiet:
            for line in lines[-SHOWN_LINES:]:
                say(f"  {line}")
        if stage.on_failure:
            execute(stage.on_failure, stage, log, live=True)
    else:
        say(f"{stage.name}: passed in {outcome.seconds:.0f} s")
    return outcome


def broken(outcomes: list[Outcome]) -> str:
    """Name the stage whose failure leaves those after it without sense."""
    return next((each.stage.name for each in outcomes if each.failed and each.stage.required), "")


def in_order(listed: list[Stage], before: str = "") -> list[Outcome]:
    """Run stages one after the other, except what makes no sense any more; ``before`` failed already."""
    outcomes: list[Outcome] = []
    for stage in listed:
        reason = before or broken(outcomes)
        if reason and not stage.always:
            outcomes.append(Outcome(stage, failed=1, not_run=[f"{stage.name}: {reason} failed before it"]))
        else:
            outcomes.append(run(stage))
    return outcomes


def beside(listed: list[Stage], before: str) -> list[Outcome]:
    """Run the lanes of neighbouring stages beside each other, as many as there are processors."""
    lanes: dict[str, list[Stage]] = {}
    for stage in listed:
        lanes.setdefault(stage.lane, []).append(stage)
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        finished = pool.map(lambda lane: in_order(lane, before), lanes.values())
        return [outcome for lane in finished for outcome in lane]


def run_all(listed: list[Stage]) -> list[Outcome]:
    """Run a whole suite; a required stage of a lane stops its lane, any other all that follows."""
    outcomes: list[Outcome] = []
    before = ""
    for shares, group in groupby(listed, key=lambda stage: bool(stage.lane)):
        if shares:
            outcomes += beside(list(group), before)
        else:
            outcomes += in_order(list(group), before)
            before = broken([outcome for outcome in outcomes if not outcome.stage.lane])
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
    for outcome in (outcome for outcome in outcomes if outcome.failed):
        print(f"\n{outcome.stage.name} failed:", *outcome.reasons, sep="\n  ")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
