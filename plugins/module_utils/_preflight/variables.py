# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds the variables that look like this collection's, but that nothing here reads."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from ansible.module_utils.common.yaml import HAS_YAML, yaml_load
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# Inventory variables that belong to no single role.
SHARED_PREFIXES = ("rampart_", "expect_cluster_")
SHARED_NAMES = frozenset(
    {
        "expect_cluster_uid",
        "rampart_environments",
        "cluster_context",
        # What a job of a workflow leaves to the next one comes as variables.
        "rampart_outcome",
        "rampart_delivered",
    }
)


def declared(roles_dir: Path) -> dict[str, frozenset[str]]:
    """Read what each role declares in its argument specification.

    Raises RampartError when a specification cannot be read: without it no name can be judged.
    """
    if not HAS_YAML:
        raise RampartError(
            f"PyYAML is not installed for {sys.executable}, the interpreter that runs the modules.",
            next_step='install it, or set ansible_python_interpreter to "{{ ansible_playbook_python }}"',
        )
    roles = {}
    for path in sorted(roles_dir.glob("*/meta/argument_specs.yml")):
        try:
            content = yaml_load(path.read_text(encoding="utf-8"))
            points = content["argument_specs"].values()
            roles[path.parent.parent.name] = frozenset(
                name for point in points for name in point.get("options") or {}
            )
        except Exception as error:
            # Whatever is wrong with the file, the answer is the same.
            raise RampartError(
                f"Could not read the argument specification {path} ({type(error).__name__}).",
                next_step="restore the file from the collection",
                path=str(path),
            ) from error
    if not roles:
        raise RampartError(
            f"No role with an argument specification stands below {roles_dir}.",
            next_step="install the whole collection; meta, plugins, roles and playbooks belong together",
            path=str(roles_dir),
        )
    return roles


def unknown(
    names: Iterable[str], roles: dict[str, frozenset[str]], foreign: Collection[str]
) -> dict[str, str]:
    """Return each name that only looks like ours, with the known name that comes nearest or ''."""
    known = SHARED_NAMES.union(*roles.values())
    prefixes = (*(f"{role}_" for role in roles), *SHARED_PREFIXES)
    suspects = {
        name for name in names if name.startswith(prefixes) and name not in known and name not in set(foreign)
    }
    found = {}
    for name in sorted(suspects):
        nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
        found[name] = nearest[0] if nearest else ""
    return found
