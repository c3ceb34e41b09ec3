# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes awx/controller/job_templates.yml of awx/job_templates.yml and the argument_specs of the roles.

A question has the type, the choices and the default of its role's option, so that a survey refuses what the
role refuses. The list adds what no specification can say: the words, limits, and what has to be answered.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "awx/job_templates.yml"
TARGET = ROOT / "awx/controller/job_templates.yml"
HEAD = """\
---
# SPDX-License-Identifier: GPL-3.0-or-later
# Made by scripts/awx_templates.py of awx/job_templates.yml and the argument_specs of the roles: change those.
"""
LONGEST = 1024
WHOLE = {"int": "integer", "float": "float"}
# The forms in which a specification sets off code, options, values and others.
MARKUP = re.compile(r"[CVOEMI]\(([^)]*)\)")
OWN = {"playbook", "survey", "description", "credentials"}


class Indented(yaml.SafeDumper):
    """Indents lists below their keys, as the rest of this repository does."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent always."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write each thing out."""
        return True


def options(roles: Path) -> dict[str, dict[str, Any]]:
    """Read every option of every role; entry points share those that they both have."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        for point in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            found |= point.get("options") or {}
    return found


def kind(option: Mapping[str, Any]) -> str:
    """Name the type of question that can be answered with what the option takes."""
    name = str(option.get("type", "str"))
    if name == "dict":
        raise ValueError("no survey can ask for a dictionary")
    if name == "bool":
        return "multiplechoice"
    if option.get("choices"):
        return "multiselect" if name == "list" else "multiplechoice"
    return WHOLE.get(name, "text")


def choices(entry: Mapping[str, Any], option: Mapping[str, Any]) -> list[str]:
    """Return what can be chosen: all of the option, or those of them that the list names."""
    usual = ["false", "true"] if option.get("type") == "bool" else list(option.get("choices") or [])
    narrowed = list(entry.get("choices") or usual)
    if usual and not set(narrowed) <= set(usual):
        raise ValueError(f"{entry['variable']}: {narrowed} are not among {usual}")
    return narrowed


def question(entry: Mapping[str, Any], option: Mapping[str, Any]) -> dict[str, Any]:
    """Return the question of a survey for an option of a role."""
    told = option["description"]
    asked: dict[str, Any] = {
        "question_name": entry["question"],
        "question_description": MARKUP.sub(r"\1", told if isinstance(told, str) else " ".join(told)),
        "variable": entry["variable"],
        "required": bool(entry.get("required", option.get("required", False))),
        "type": kind({**option, "choices": entry.get("choices") or option.get("choices")}),
    }
    default = entry.get("default", option.get("default"))
    if asked["type"] in ("multiplechoice", "multiselect"):
        asked["choices"] = choices(entry, option)
        default = str(default).lower() if isinstance(default, bool) else default
    if asked["type"] in ("text", "integer", "float"):
        asked["min"] = entry.get("min", 0)
        asked["max"] = entry.get("max", LONGEST if asked["type"] == "text" else None)
        if asked["max"] is None:
            raise ValueError(f"{entry['variable']}: a number needs limits")
    # A list is chosen anew each time, and what has to be written has no default.
    if default is not None and not isinstance(default, list) and not (asked["required"] and default == ""):
        asked["default"] = default
    return asked


def template(
    entry: Mapping[str, Any],
    defaults: Mapping[str, Any],
    known: Mapping[str, Mapping[str, Any]],
    environments: list[str],
) -> dict[str, Any]:
    """Return a job template in the form of infra.aap_configuration."""
    playbook = entry["playbook"]
    made = {
        "name": f"rampart {playbook.replace('_', ' ')}",
        "description": entry["description"],
        "playbook": "site.yml" if playbook == "site" else f"playbooks/{playbook}.yml",
        **defaults,
        "credentials": entry.get("credentials", []),
        **{name: value for name, value in entry.items() if name not in OWN},
    }
    asked = []
    for one in entry.get("survey", []):
        named = {**one, "choices": environments} if one.get("choices") == "environments" else one
        asked.append(question(named, known[one.get("option", one["variable"])]))
    if asked:
        made["survey_enabled"] = True
        made["survey_spec"] = {"name": "", "description": "", "spec": asked}
    return made


def rendered() -> str:
    """Return the file as it has to be."""
    source = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    known = options(ROOT / "roles")
    defaults = yaml.safe_load((ROOT / "roles/environments/defaults/main.yml").read_text(encoding="utf-8"))
    environments = list(defaults["environments_tiers"])
    made = [
        template(entry, source["awx_template_defaults"], known, environments)
        for entry in source["awx_job_templates"]
    ]
    return HEAD + yaml.dump({"controller_templates": made}, Dumper=Indented, sort_keys=False, width=110)


def main() -> None:
    """Write the file."""
    TARGET.write_text(rendered(), encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
