# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the pages of the site that follow from data: the playbooks, and which control is proved by what.

Usage: docs_reference.py FOLDER. What antsibull-docs makes of modules and roles is there already.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = "rampart.k8s."
IMPORTS = "ansible.builtin.import_playbook"
ROLES = ("ansible.builtin.import_role", "ansible.builtin.include_role")
LICENCE = re.compile(r"^# SPDX-.*$")


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook as a reader meets it: what its head says, and its plays in order."""

    name: str
    says: str
    plays: list[Mapping[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Playbook:
        """Parse a playbook and the comment at its head."""
        text = path.read_text(encoding="utf-8")
        head = []
        for line in text.splitlines()[1:]:
            if not line.startswith("#"):
                break
            if not LICENCE.match(line):
                head.append(line.removeprefix("#").removeprefix(" "))
        return cls(path.stem, _as_markdown(head), yaml.safe_load(text))

    def roles(self) -> list[str]:
        """Name the roles of the collection that it runs, those of what it imports too, in order."""
        found: dict[str, None] = {}
        for play in self.plays:
            if IMPORTS in play:
                imported = Playbook.read(ROOT / "playbooks" / play[IMPORTS])
                found |= dict.fromkeys(f"{COLLECTION}{name}" for name in imported.roles())
            for role in play.get("roles") or []:
                found[role["role"] if isinstance(role, dict) else role] = None
            for task in _tasks(play.get("tasks") or []):
                for verb in ROLES:
                    if verb in task:
                        found[task[verb]["name"]] = None
        return [name.removeprefix(COLLECTION) for name in found if name.startswith(COLLECTION)]

    def modules(self) -> list[str]:
        """Name the modules of the collection that its own tasks call, in order."""
        found: dict[str, None] = {}
        for play in self.plays:
            for task in _tasks(play.get("tasks") or []):
                found |= dict.fromkeys(key for key in task if key.startswith(COLLECTION))
        return [name.removeprefix(COLLECTION) for name in found]


def _tasks(tasks: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from _tasks(task.get(part) or [])


def _as_markdown(lines: list[str]) -> str:
    """Return the comment with its examples, which are indented, as code."""
    shown: list[str] = []
    for line in lines:
        example = line.startswith("  ")
        if example and not (shown and shown[-1].startswith("    ")):
            shown.append("")
        shown.append(f"    {line.strip()}" if example else line)
    return "\n".join(shown).strip()


def _page(kind: str, name: str) -> str:
    return f"[`{name}`]({name}_{kind}.rst)"


def playbooks_page(found: list[Playbook]) -> str:
    """Return the page of all playbooks, the way through first."""
    by_name = {one.name: one for one in found}
    site = by_name["site"]
    lines = [
        "# Playbooks",
        "",
        "Made from the playbooks as they stand. From a checkout they are run as",
        "`ansible-playbook playbooks/NAME.yml -i INVENTORY`, from the installed collection as",
        "`ansible-playbook rampart.k8s.NAME -i INVENTORY`.",
        "",
        "## The way through",
        "",
        "```mermaid",
        "flowchart TD",
    ]
    stages = [Path(play[IMPORTS]).stem for play in site.plays]
    for play, stage in zip(site.plays, stages, strict=True):
        roles = ", ".join(by_name[stage].roles())
        lines.append(f'  {stage}["<b>{stage}</b>: {play["name"]}' + (f'<br/>{roles}"]' if roles else '"]'))
    lines += [f"  {one} --> {other}" for one, other in pairwise(stages)]
    lines += ["```", "", "Each stage has its roles in it. A stage is a playbook of its own, and its tag.", ""]
    for one in found:
        lines += [f"## {one.name}", "", *([one.says, ""] if one.says else [])]
        lines += ["| play | hosts | tags |", "|---|---|---|"]
        for play in one.plays:
            where = (
                f"the plays of [{Path(play[IMPORTS]).stem}](#{Path(play[IMPORTS]).stem})"
                if IMPORTS in play
                else ""
            )
            tags = ", ".join(f"`{tag}`" for tag in play.get("tags") or [])
            lines.append(f"| {play['name']} | {where or '`' + play['hosts'] + '`'} | {tags} |")
        lines.append("")
        for kind, names in (("role", one.roles()), ("module", one.modules())):
            if names:
                lines += [
                    f"{kind.capitalize()}s: " + ", ".join(_page(kind, name) for name in names) + ".",
                    "",
                ]
    return "\n".join(lines)


def controls_page(items: list[Mapping[str, Any]]) -> str:
    """Return the page that leads from each demand of the guideline to what proves it."""
    lines = [
        "# Controls and their proofs",
        "",
        "Made from `checklist_items` of the role [`checklist`](checklist_role.rst): the guideline's",
        "checklist in its words, and the gates whose [evidence](../guides/evidence.md) answers each item.",
        "[The checklist](../guides/checklist.md) says how it is answered.",
    ]
    for part in dict.fromkeys(item["part"] for item in items):
        lines += ["", f"## {part}", "", "| item | proved by |", "|---|---|"]
        for item in (item for item in items if item["part"] == part):
            proofs = ", ".join(_proof(proof) for proof in item.get("proofs") or [])
            lines.append(f"| {item['text']} | {proofs or 'not proven: ' + item['why']} |")
    return "\n".join([*lines, ""])


def _proof(proof: Mapping[str, Any]) -> str:
    said = _page("module", proof["gate"])
    if proof.get("control"):
        said += f" ({proof['control']})"
    return said + (f", not older than {proof['max_age_hours']} hours" if proof.get("max_age_hours") else "")


def main(folder: Path) -> None:
    """Write the pages."""
    found = [Playbook.read(path) for path in sorted((ROOT / "playbooks").glob("*.yml"))]
    (folder / "playbooks.md").write_text(playbooks_page(found), encoding="utf-8")
    defaults = yaml.safe_load((ROOT / "roles/checklist/defaults/main.yml").read_text(encoding="utf-8"))
    (folder / "controls.md").write_text(controls_page(defaults["checklist_items"]), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
