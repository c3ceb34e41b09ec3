# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The admission policies as the role kyverno hands them over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._admission import rendering
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import Admission
from ansible_collections.rampart.k8s.plugins.module_utils._policy.environments import expand

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/kyverno"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PROBE_IMAGE = "127.0.0.1:5000/rampart/probe:1"
UNGUARDED = ["kube-system", "kyverno"]
EXCEPTION = {
    "policy": "read-only-root",
    "scope": {"namespace": "prod", "application": "legacy"},
    "owner": "ann",
    "approver": "bob",
    "reason": "it writes beside its binary until the next release",
    "link": "https://example.test/risk/2",
    "created": "2026-11-20",
    "expires": "2026-12-20",
}


def variables(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def policies() -> list[dict[str, Any]]:
    """Return the definition of all policies that judge."""
    return [
        policy
        for file in sorted((ROLE / "vars/main").glob("*.yml"))
        for name, value in variables(file).items()
        if name.startswith("__kyverno_policies_")
        for policy in value
    ]


def environments() -> list[dict[str, Any]]:
    """Return the environments as the role of that name defines them."""
    defaults = variables(ROOT / "roles/environments/defaults/main.yml")
    return expand(defaults["environments_tiers"], defaults["environments_common"])


def _generations() -> list[dict[str, Any]]:
    common = variables(ROOT / "roles/environments/defaults/main.yml")["environments_common"]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROLE / "templates"), autoescape=jinja2.select_autoescape()
    )
    environment.filters["to_json"] = json.dumps
    template = environment.get_template("namespace-defaults.yaml.j2").render(
        kyverno_namespace_quota=common["quota"], kyverno_namespace_limits=common["limit_range"]
    )
    entries = variables(ROLE / "vars/main/defaults.yml")["__kyverno_generations"]
    return [{**entry, "exempt": UNGUARDED, "template": template} for entry in entries]


def definition(**more: Any) -> dict[str, Any]:
    """Return everything that the role hands over."""
    return {
        "engine": "kyverno",
        "policies": policies(),
        "mutations": variables(ROLE / "vars/main/defaults.yml")["__kyverno_mutations"],
        "generations": _generations(),
        "environments": environments(),
        "images": [PROBE_IMAGE],
        "rego": str(ROLE / "files/rego"),
        "namespace": "kyverno",
        **more,
    }


def admission(now: datetime = NOW, **more: Any) -> Admission:
    return rendering.read(definition(**more), now)


def exceptions(folder: Path, *entries: dict[str, Any]) -> str:
    """Write a file of exceptions, each by what it has of its own."""
    path = folder / "exceptions.yml"
    path.write_text(yaml.safe_dump({"exceptions": [{**EXCEPTION, **entry} for entry in entries]}))
    return str(path)
