# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""One file of exceptions in the formats of all tools, for one subject at one time.

A tool's own format cannot say all that an exception says: hadolint and dockle know neither scopes
nor ends, grype knows no end, and none knows a digest. So nothing is rendered that does not count
for this subject now, and what is rendered is written anew for every run. Each format then holds
exactly what the gate itself would except, as far as the tool reports such things at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import TIME
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check, Vulnerability

# Which admission policy asks for the verdict of a scan; its expressions read exceptions.allowedValues.
KYVERNO_POLICY = {"name": "require-scan-verdict", "kind": "ImageValidatingPolicy"}

_HADOLINT = re.compile(r"(DL|SC)\d{4}")
_DOCKLE = re.compile(r"(CIS-DI|DKL-DI|DKL-LI)-\d{4}")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the subject: exceptions are spelled as the tools spell it."""

    digest: str
    image: str
    vulnerabilities: Sequence[Vulnerability] = ()
    checks: Sequence[Check] = ()


@dataclass(frozen=True, slots=True)
class Counting:
    """An exception that counts here and now, with what it covers."""

    exemption: Exemption
    vulnerabilities: tuple[Vulnerability, ...]
    checks: tuple[Check, ...]


def counting(exemptions: Iterable[Exemption], found: Found, now: datetime) -> list[Counting]:
    """Choose what counts for this subject now."""
    chosen = []
    for one in exemptions:
        if not one.active(now):
            continue
        vulnerabilities = tuple(
            item
            for item in found.vulnerabilities
            if one.covers_vulnerability(item.names, item.package, item.paths, found.digest)
        )
        checks = tuple(
            item
            for item in found.checks
            if one.covers_rule(item.rule, (item.path,) if item.path else (), found.digest)
        )
        if vulnerabilities or checks:
            chosen.append(Counting(one, vulnerabilities, checks))
    return chosen


def _statement(one: Exemption) -> str:
    return f"{one.reason} (owner {one.owner}, allowed by {one.approver}, {one.link})"


def _pairs(counts: Sequence[Counting], scanner: str) -> Iterable[tuple[Exemption, Vulnerability]]:
    return (
        (one.exemption, item) for one in counts for item in one.vulnerabilities if scanner in item.spelled
    )


def trivy(counts: Sequence[Counting], found: Found) -> str:
    """Render .trivyignore.yaml. trivy compares its own name and its own package URL."""
    rows = [
        {
            "id": name,
            "purls": list(item.spelled["trivy"]),
            # A day of YAML: trivy reads no quoted one.
            "expired_at": one.expires,
            "statement": _statement(one),
        }
        for one, item in _pairs(counts, "trivy")
        for name in sorted(item.names)
    ]
    return _yaml({"vulnerabilities": rows})


def grype(counts: Sequence[Counting], found: Found) -> str:
    """Render the ignore rules of .grype.yaml."""
    rows = [
        {
            "vulnerability": item.name,
            "include-aliases": True,
            "reason": f"{_statement(one)}, until {one.expires}",
            "package": _grype_package(spelled),
        }
        for one, item in _pairs(counts, "grype")
        for spelled in item.spelled["grype"]
    ]
    return _yaml({"ignore": rows})


def _grype_package(spelled: str) -> dict[str, str]:
    kind, name, version = json.loads(spelled)
    # A name with one of these signs is a pattern to grype: libstdc++6 would match nothing.
    plain = re.sub(r"([\^$*+?\[\](){}|\\])", r"\\\1", name)
    return {"name": plain, "version": version, "type": kind}


def _rules(counts: Sequence[Counting], shape: re.Pattern[str]) -> dict[str, Exemption]:
    return {one.exemption.rule: one.exemption for one in counts if shape.fullmatch(one.exemption.rule)}


def hadolint(counts: Sequence[Counting], found: Found) -> str:
    """Render .hadolint.yaml."""
    rules = _rules(counts, _HADOLINT)
    notes = [f"# {rule}: {_statement(one)}, until {one.expires}" for rule, one in sorted(rules.items())]
    return "\n".join([*notes, _yaml({"ignored": sorted(rules)})])


def dockle(counts: Sequence[Counting], found: Found) -> str:
    """Render .dockleignore."""
    lines = []
    for rule, one in sorted(_rules(counts, _DOCKLE).items()):
        lines += [f"# {_statement(one)}, until {one.expires}", rule]
    return "\n".join(lines) + "\n"


def kyverno(counts: Sequence[Counting], found: Found) -> str:
    """Render PolicyExceptions (policies.kyverno.io/v1), each with its end."""
    documents = [_policy_exception(one, found) for one in counts]
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True) if documents else ""


def _policy_exception(one: Counting, found: Found) -> dict[str, Any]:
    exemption = one.exemption
    mark = hashlib.sha256(f"{exemption.key} {found.digest}".encode()).hexdigest()[:10]
    name = re.sub(r"[^a-z0-9]+", "-", exemption.names.lower()).strip("-")[:50]
    values = sorted({value for item in one.vulnerabilities for value in item.names} | {exemption.names})
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "PolicyException",
        "metadata": {
            "name": f"{name}-{mark}",
            "annotations": {
                "rampart.k8s/owner": exemption.owner,
                "rampart.k8s/approver": exemption.approver,
                "rampart.k8s/reason": exemption.reason,
                "rampart.k8s/link": exemption.link,
                "rampart.k8s/digest": found.digest,
            },
        },
        "spec": {
            "policyRefs": [KYVERNO_POLICY],
            "images": [found.image],
            "allowedValues": values,
            "reportResult": "skip",
            "expiresAt": exemption.end.strftime(TIME),
        },
    }


def _yaml(data: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True))


FORMATS: dict[str, Callable[[Sequence[Counting], Found], str]] = {
    ".trivyignore.yaml": trivy,
    ".grype.yaml": grype,
    ".hadolint.yaml": hadolint,
    ".dockleignore": dockle,
    "kyverno.yaml": kyverno,
}


def render(exemptions: Iterable[Exemption], found: Found, now: datetime) -> dict[str, str]:
    """Render all formats."""
    counts = counting(exemptions, found, now)
    return {name: form(counts, found) for name, form in FORMATS.items()}
