# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Launches job templates the way AWX does, without an AWX.

AWX hands ansible-runner a folder: the checkout of the project, an inventory, the answers of the survey as
extra variables, and what the credential types inject. Before that it judges the answers by the survey.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.nativetypes import NativeEnvironment

from tests.support.checkouts import ROOT, clone, requirements, run

DATA = ("organizations", "credentials", "projects", "job_templates", "workflows", "schedules", "roles")
Answers = Mapping[str, Any]


@cache
def data() -> dict[str, Any]:
    """Return all objects of the controller, by the names of their lists."""
    found: dict[str, Any] = {}
    for name in (*DATA, "notifications"):
        found |= yaml.safe_load((ROOT / f"awx/controller/{name}.yml").read_text(encoding="utf-8"))
    return {name: resolved(value, found) for name, value in found.items()}


def resolved(value: Any, lists: Mapping[str, Any]) -> Any:
    """Return a value with what it takes of the other lists."""
    match value:
        case dict():
            return {name: resolved(one, lists) for name, one in value.items()}
        case list():
            return [resolved(one, lists) for one in value]
        case str() if re.match(r"\{\{ \(?controller_", value):
            return NativeEnvironment().from_string(value).render(lists)
    return value


def template(name: str) -> dict[str, Any]:
    """Return a job template."""
    (one,) = [one for one in data()["controller_templates"] if one["name"] == name]
    return dict(one)


def questions(name: str) -> list[dict[str, Any]]:
    """Return what the survey of a job template asks."""
    return list(template(name).get("survey_spec", {}).get("spec", []))


def refusal(question: Mapping[str, Any], answers: Answers) -> str:
    """Return why AWX refuses the answer to a question; empty when it does not."""
    name = question["variable"]
    if name not in answers or (answers[name] == "" and not question["required"]):
        return f"{name} is required" if question["required"] else ""
    answer, kind = answers[name], question["type"]
    match kind:
        case "text":
            if not isinstance(answer, str):
                return f"{name} has to be a text"
            if not question["min"] <= len(answer) <= question["max"]:
                return f"{name} is too short or too long"
        case "integer" | "float":
            if isinstance(answer, bool) or not isinstance(answer, int if kind == "integer" else int | float):
                return f"{name} has to be a number"
            if not question["min"] <= answer <= question["max"]:
                return f"{name} is too small or too large"
        case "multiplechoice" | "multiselect":
            if (kind == "multiselect") != isinstance(answer, list):
                return f"{name} has to be {'a list' if kind == 'multiselect' else 'one of the choices'}"
            chosen = answer if isinstance(answer, list) else [answer]
            if any(one not in question["choices"] for one in chosen):
                return f"{name} is none of the choices"
    return ""


class RefusedError(Exception):
    """The survey did not let the launch through."""


def answered(name: str, answers: Answers) -> dict[str, Any]:
    """Return the extra variables of a launch: the answers, and the defaults of what was not answered."""
    asked = questions(name)
    if unknown := answers.keys() - {one["variable"] for one in asked}:
        raise RefusedError(f"the survey asks nothing about {sorted(unknown)}")
    given = {one["variable"]: one["default"] for one in asked if "default" in one} | dict(answers)
    if refused := [why for one in asked if (why := refusal(one, given))]:
        raise RefusedError("; ".join(refused))
    return given


def rendered(text: str, values: Mapping[str, Any]) -> str:
    """Render what a credential type injects: it is a template of the data, and one of AWX after that."""
    first = jinja2.Environment(autoescape=False).from_string(text).render()  # noqa: S701 - no page is made
    return str(jinja2.Environment(autoescape=False).from_string(first).render(values))  # noqa: S701


def injected(kind: str, inputs: Mapping[str, str], folder: Path, seen: Path) -> dict[str, str]:
    """Write the files of a credential as AWX does; return the environment of a job that sees them there."""
    (injectors,) = [one["injectors"] for one in data()["controller_credential_types"] if one["name"] == kind]
    assert injectors.keys() == {"file", "env"}, "a secret in an extra variable would be kept and shown"
    names = {}
    for template_name, text in injectors["file"].items():
        path = folder / f"{len(list(folder.iterdir()))}.tmp"
        with open(
            os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(rendered(text, inputs))
        names[template_name.removeprefix("template.")] = str(seen / path.name)
    values = {**inputs, "tower": {"filename": names}}
    return {name: rendered(text, values) for name, text in injectors["env"].items()}


@dataclass(frozen=True, slots=True)
class Job:
    """What a job left."""

    status: str
    stdout: str
    events: list[dict[str, Any]]
    folder: Path

    @property
    def artifacts(self) -> dict[str, Any]:
        """What the next job of a workflow gets."""
        found: dict[str, Any] = {}
        for event in self.events:
            if event["event"] == "playbook_on_stats":
                found |= event["event_data"].get("artifact_data") or {}
        return found

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        (stats,) = [one for one in self.events if one["event"] == "playbook_on_stats"]
        hosts = stats["event_data"]["processed"]
        return {host: stats["event_data"]["changed"].get(host, 0) for host in hosts}

    @property
    def failures(self) -> list[str]:
        """What the tasks that failed said, each by its first line."""
        return [
            str(event["event_data"]["res"].get("msg", "")).strip().splitlines()[0]
            for event in self.events
            if event["event"] == "runner_on_failed" and not event["event_data"].get("ignore_errors")
        ]


class Controller:
    """Has a checkout of the project and launches job templates in it, on this machine."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self.project = clone(base / "project")
        self._environment = requirements(self.project, base)
        self._jobs = 0

    def launch(
        self,
        name: str,
        answers: Answers,
        *,
        inventory: Path,
        credentials: Mapping[str, Mapping[str, str]],
        limit: str = "",
        tags: str = "",
        check: bool = False,
        before: Mapping[str, Any] | None = None,
    ) -> Job:
        """Launch a job template and return what its job left; RefusedError when the survey refuses.

        In a workflow, the artifacts of the jobs before come as variables.
        """
        variables = answered(name, answers)
        self._jobs += 1
        number = str(self._jobs)
        folder = self._base / f"job-{number}"
        (folder / "env").mkdir(parents=True)
        (folder / "tmp").mkdir(mode=0o700)
        environment: dict[str, str] = {}
        for kind, inputs in credentials.items():
            environment |= injected(kind, inputs, folder / "tmp", self._seen(folder) / "tmp")
        own = {"awx_job_id": self._jobs, "awx_job_template_name": name, "awx_user_name": "operator"}
        (folder / "env/extravars").write_text(json.dumps({**own, **(before or {}), **variables}))
        (folder / "env/envvars").write_text(json.dumps(environment))
        given = {"--forks": "5", "--limit": limit, "--tags": tags}
        line = [f"{option}={value}" for option, value in given.items() if value] + ["--check"] * check
        asked = ["-p", template(name)["playbook"], "--ident", number, f"--cmdline={' '.join(line)}"]
        self._run(folder, inventory, asked)
        return left(folder, number)

    def _seen(self, folder: Path) -> Path:
        """Where a job finds its folder."""
        return folder

    def _run(self, folder: Path, inventory: Path, asked: list[str]) -> None:
        (folder / "project").symlink_to(self.project)
        run(
            ["ansible-runner", "run", str(folder), "--inventory", str(inventory), *asked],
            cwd=self.project,
            environment=self._environment,
        )


def left(folder: Path, number: str) -> Job:
    """Read what a job left."""
    kept = folder / "artifacts" / number
    events = [json.loads(path.read_text()) for path in (kept / "job_events").glob("*.json")]
    return Job(
        (kept / "status").read_text().strip(),
        (kept / "stdout").read_text(),
        sorted(events, key=lambda event: int(event["counter"])),
        folder,
    )
