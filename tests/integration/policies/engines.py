# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks Kyverno's command line, an API server and opa which policies speak against which sample."""

from __future__ import annotations

import copy
import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._admission import (
    gatekeeper,
    hearing,
    rendering,
    samples,
)
from ansible_collections.rampart.k8s.plugins.module_utils._admission.definition import Environment
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client

from tests.support.admission import ROLE
from tests.support.programs import tool

# By the name of a sample: the policies that speak against it.
Verdicts = dict[str, set[str]]


def tried(admission: Admission, environment: Environment) -> dict[str, dict[str, Any]]:
    """Return all samples of an environment under names of their own."""
    found = {}
    for guard in admission.of(environment):
        for number, sample in enumerate(samples.samples(guard)):
            name = f"{guard.policy.name}-{'refused' if sample.refused else 'accepted'}-{number}"
            made = copy.deepcopy(sample.object)
            made["metadata"]["name"] = name
            found[name] = made
    return found


def documents(folder: Path, name: str, items: Iterable[Mapping[str, Any]]) -> Path:
    """Write a file that Kyverno's command line reads: it wants the ending."""
    path = folder / f"{name}.yaml"
    path.write_text("\n---\n".join(json.dumps(item) for item in items))
    return path


def kyverno(
    folder: Path,
    policies: Sequence[Mapping[str, Any]],
    resources: Iterable[Mapping[str, Any]],
    environment: Environment,
    exceptions: Sequence[Mapping[str, Any]] = (),
) -> tuple[Verdicts, int]:
    """Return who is refused by which policy, and how many judgements there were."""
    values = {
        "apiVersion": "cli.kyverno.io/v1alpha1",
        "kind": "Values",
        "namespaceSelector": [
            {
                "name": environment.namespace,
                "labels": {"kubernetes.io/metadata.name": environment.namespace},
            }
        ],
    }
    command = [
        str(tool("kyverno")),
        "apply",
        str(documents(folder, "policies", policies)),
        f"--resource={documents(folder, 'resources', resources)}",
        f"--values-file={documents(folder, 'values', [values])}",
        "--policy-report",
        "--output-format=json",
    ]
    if exceptions:
        command.append(f"--exception={documents(folder, 'exceptions', exceptions)}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    start = done.stdout.find('{"')
    assert start >= 0, done.stdout + done.stderr
    report = json.JSONDecoder().raw_decode(done.stdout[done.stdout.index("{", start) :])[0]
    found: Verdicts = {}
    for result in report["results"]:
        assert result["result"] in ("pass", "fail"), result
        if result["result"] == "fail":
            for resource in result["resources"]:
                found.setdefault(resource["name"], set()).add(result["policy"])
    return found, len(report["results"])


def kubernetes(
    client: Client, admission: Admission, environment: Environment, resources: Mapping[str, dict[str, Any]]
) -> Verdicts:
    """Let an API server warn: a refusal would name the first policy only."""
    made = rendering.judging(admission, environment, "Warn")
    for item in (item for items in made.values() for item in items):
        plural = {"ValidatingAdmissionPolicy": "ies", "ValidatingAdmissionPolicyBinding": "ybindings"}
        kind = f"validatingadmissionpolic{plural[item['kind']]}"
        client.call("POST", f"/apis/admissionregistration.k8s.io/v1/{kind}", body=item)
    deadline = time.monotonic() + 300
    # The policies are in force one after the other; the last sample of each is one that it speaks against.
    waiting = {guard.name: samples.samples(guard)[-1] for guard in admission.of(environment)}
    while waiting:
        assert time.monotonic() < deadline, f"no word of {sorted(waiting)}"
        time.sleep(0.2)
        waiting = {
            name: sample
            for name, sample in waiting.items()
            if hearing.attempt(client, sample.path, sample.object).against(name) is None
        }
    found: Verdicts = {}
    for name, item in resources.items():
        path = samples.PATHS[item["kind"]].format(environment.namespace)
        answer = hearing.attempt(client, path, item)
        assert answer.accepted, answer.message
        assert not [each for each in answer.objections if each.broken], answer.objections
        if answer.objections:
            found[name] = {each.name for each in answer.objections}
    return found


def opa(
    folder: Path, admission: Admission, environment: Environment, resources: Mapping[str, dict[str, Any]]
) -> Verdicts:
    """Evaluate the Rego as Gatekeeper does: a review and parameters go in, violations come out."""
    found: Verdicts = {}
    for guard in (each for each in admission.of(environment) if each.policy.rego):
        exempted = admission.exempted(environment, guard.policy.name)
        parameters = gatekeeper.parameters(guard, exempted)
        reviews = {
            name: {"review": {"object": item}, "parameters": parameters}
            for name, item in resources.items()
            if (item["kind"] == "Ingress") == (guard.policy.kind == "ingresses")
        }
        package = guard.policy.name.replace("-", "")
        violations = f"data.rampart.{package}.violation"
        query = f"[name | some name, review in input; count({violations}) > 0 with input as review]"
        path = folder / "input.json"
        path.write_text(json.dumps(reviews))
        done = subprocess.run(
            [str(tool("opa")), "eval", "--data", str(ROLE / "files/rego"), "--input", str(path), query],
            capture_output=True,
            text=True,
            check=True,
        )
        for name in json.loads(done.stdout)["result"][0]["expressions"][0]["value"]:
            found.setdefault(name, set()).add(guard.name)
    return found
