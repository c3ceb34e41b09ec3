# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as the parity checks see it: its tracked files and its parsed metadata."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked() -> tuple[str, ...]:
    """Name what git would commit; an installed copy without git has the files themselves."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    names = (name for name in done.stdout.split("\0") if name)
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


def load(path: str | Path) -> Any:
    """Parse a YAML file of the collection."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def modules() -> list[str]:
    """Name the modules."""
    return sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))


def roles() -> list[str]:
    """Name the roles."""
    return sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


def playbooks() -> list[str]:
    """Name the playbooks that a person can run."""
    return [
        "site.yml",
        *(name for name in tracked() if name.startswith("playbooks/") and name.count("/") == 1),
    ]


@cache
def documentation(module: str) -> dict[str, Any]:
    """Parse a module's DOCUMENTATION without importing it."""
    tree = ast.parse((ROOT / f"plugins/modules/{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            parsed: dict[str, Any] = yaml.safe_load(ast.literal_eval(node.value))
            return parsed
    raise AssertionError(f"{module} has no DOCUMENTATION")


def fragments(module: str) -> list[str]:
    """Name the documentation fragments that a module extends."""
    found = documentation(module).get("extends_documentation_fragment") or []
    return [found] if isinstance(found, str) else list(found)
