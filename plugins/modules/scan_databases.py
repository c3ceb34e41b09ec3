#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the databases of the scanners."""

from __future__ import annotations

DOCUMENTATION = r"""
module: scan_databases
short_description: Bring the databases of the scanners
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Brings the databases of vulnerabilities that trivy and grype compare packages with, from their projects,
    from an operator's mirror, or from files that were carried to a machine without a network.
  - This is the only place where a scanner may use the network. M(rampart.k8s.image_scan) scans without it.
  - A new database is made beside the one in use and read before it takes its place.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - A database is brought when it is missing, broken, older than O(max_age_hours), or when the file that
        is offered is another one than was imported.
  platform:
    platforms: linux
    support: full
options:
  scanners:
    description:
      - Whose databases are brought. V(java) is the one by which trivy knows Java archives; without it an
        image that holds one cannot be judged.
    type: list
    elements: str
    choices: [trivy, grype, java]
    default: [trivy, grype]
  online:
    description: Whether the network may be used where no file is given.
    type: bool
    default: true
  max_age_hours:
    description: How old a database may be before a newer one is fetched.
    type: int
    default: 24
  trivy_database:
    description: The folder that will hold trivy's C(db) and C(java-db).
    type: path
    default: ~/.cache/rampart/scan/databases/trivy
  grype_database:
    description: The folder that will hold grype's C(6).
    type: path
    default: ~/.cache/rampart/scan/databases/grype
  trivy_file:
    description: A folder or a tar archive with C(trivy.db) and C(metadata.json).
    type: path
  java_file:
    description: A folder or a tar archive with C(trivy-java.db) and its C(metadata.json).
    type: path
  grype_file:
    description: A database of grype as C(grype db import) takes it.
    type: path
  trivy_repository:
    description: A mirror of trivy's database, as the name of an OCI artifact.
    type: str
    default: ""
  java_repository:
    description: A mirror of the database of Java archives, as the name of an OCI artifact.
    type: str
    default: ""
  grype_url:
    description: A mirror of grype's listing of databases.
    type: str
    default: ""
  programs:
    description: Where the scanners are, by their names. Those not given are searched on the PATH.
    type: dict
    default: {}
  timeout:
    description: The most seconds that one download may take.
    type: int
    default: 1800
seealso:
  - module: rampart.k8s.image_scan
"""

EXAMPLES = r"""
- name: Have databases that are at most a day old
  rampart.k8s.scan_databases:

- name: Take them from a mirror
  rampart.k8s.scan_databases:
    trivy_repository: registry.example.com/mirror/trivy-db:2
    grype_url: https://mirror.example.com/grype/databases/v6/latest.json

- name: Take them from what was carried here
  rampart.k8s.scan_databases:
    online: false
    trivy_file: /media/transfer/trivy-db.tar.gz
    grype_file: /media/transfer/grype-db.tar.zst
"""

RETURN = r"""
reason:
  description: Why databases were brought, or that none had to be.
  returned: always
  type: str
  sample: all are recent
databases:
  description: Each database with its C(state), when it was C(built), and its age.
  returned: always
  type: dict
  sample:
    trivy: {state: present, built: "2026-11-22T04:52:52Z", age_hours: 5}
updated:
  description: Whose databases were brought.
  returned: always
  type: list
  elements: str
  sample: []
"""

from datetime import timedelta
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._scan.database_operation import (
    DatabaseUpdate,
    Source,
)

SCANNERS = ["trivy", "grype"]
MIRRORS = {"trivy": "trivy_repository", "java": "java_repository", "grype": "grype_url"}
# The database of Java archives belongs to trivy.
OWNERS = {"trivy": "trivy", "java": "trivy", "grype": "grype"}
FOLDER = "~/.cache/rampart/scan/databases"

SPEC = PROGRESS | ArgumentSpec(
    {
        "scanners": {"type": "list", "elements": "str", "choices": [*SCANNERS, "java"], "default": SCANNERS},
        "online": {"type": "bool", "default": True},
        "max_age_hours": {"type": "int", "default": 24},
        "trivy_database": {"type": "path", "default": f"{FOLDER}/trivy"},
        "grype_database": {"type": "path", "default": f"{FOLDER}/grype"},
        "trivy_file": {"type": "path"},
        "java_file": {"type": "path"},
        "grype_file": {"type": "path"},
        "trivy_repository": {"type": "str", "default": ""},
        "java_repository": {"type": "str", "default": ""},
        "grype_url": {"type": "str", "default": ""},
        "programs": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 1800},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> DatabaseUpdate:
    """Turn the options into the operation."""
    options = module.params
    sources = {
        name: Source(
            options["programs"].get(OWNERS[name]) or OWNERS[name],
            Path(options[f"{OWNERS[name]}_database"]),
            Path(options[f"{name}_file"]) if options[f"{name}_file"] else None,
            options[MIRRORS[name]],
        )
        for name in options["scanners"]
    }
    return DatabaseUpdate(
        sources,
        options["online"],
        timedelta(hours=options["max_age_hours"]),
        float(options["timeout"]),
        Progress(options["_progress_file"]),
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
