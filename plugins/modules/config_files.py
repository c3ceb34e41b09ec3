#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Keeps many configuration files and folders as they should be, in one task
version_added: 0.1.0
description:
  - Writes any number of small files and creates any number of folders in one task.
  - A file is replaced in one step. When the disk is full, the file system is read-only or the run is killed,
    every file is either the old one or the new one, never a part.
  - Half-written files that a killed run left beside the files given here are removed.
  - A link, a device or another user's folder in place of a file or folder is refused, never followed.
author:
  - rampart.k8s contributors (@rampart-k8s)
options:
  directories:
    description:
      - The folders that exist, with their modes. They are created before any file, in this order.
      - Folders above them that do not exist are created with mode V(0700).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The absolute path of the folder.
        type: str
        required: true
      mode:
        description: The mode in octal, in quotes and with a leading zero.
        type: str
        default: '0700'
      widen:
        description:
          - Whether a folder that exists keeps its mode and only gets the bits of O(directories[].mode) that
            it lacks.
        type: bool
        default: false
  files:
    description:
      - The files that exist, with their whole content and their modes.
      - Folders above them that do not exist are created with mode V(0700).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The absolute path of the file.
        type: str
        required: true
      content:
        description: The whole content of the file, written in UTF-8.
        type: str
        required: true
      mode:
        description: The mode in octal, in quotes and with a leading zero.
        type: str
        default: '0600'
      secret:
        description:
          - Whether the content is a secret. It is then masked in the module's output and in the logs, and
            C(--diff) shows only that it changed and its length.
        type: bool
        default: false
  copies:
    description:
      - Files and folders that are copied from elsewhere on this machine, for a program that writes into its
        own data or that runs as a user who cannot reach the original.
      - A copy is taken anew when the names, sizes or times of its source changed. What a program writes into
        its copy of a folder stays until then.
      - Folders get the mode V(0755), files V(0755) or V(0644).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The absolute path of the copy.
        type: str
        required: true
      source:
        description: The absolute path of what is copied. Links in it are followed.
        type: str
        required: true
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: The content of secret files is not shown.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: posix
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Write the configuration of two components
  rampart.k8s.config_files:
    directories:
      - path: /var/lib/rampart/demo/etcd
        mode: '0700'
    files:
      - path: /var/lib/rampart/demo/etcd/etcd.json
        content: "{{ etcd_settings | to_nice_json }}"
      - path: /var/lib/rampart/demo/tokens.csv
        content: "{{ tokens | join('\n') }}"
        secret: true
"""

RETURN = r"""
reason:
  description: Why something changed, or that nothing had to.
  returned: always
  type: str
  sample: '/var/lib/rampart/demo/etcd/etcd.json: its content differs'
files:
  description: One entry per file, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      returned: success
      type: str
      sample: /var/lib/rampart/demo/etcd/etcd.json
    mode:
      description: The mode of the file.
      returned: success
      type: str
      sample: '0600'
    action:
      description: What happened to it, one of V(created), V(replaced), V(mode) and V(unchanged).
      returned: success
      type: str
      sample: replaced
    changed:
      description: Whether it changed.
      returned: success
      type: bool
      sample: true
    reason:
      description: Why.
      returned: success
      type: str
      sample: its content differs
directories:
  description: One entry per folder, with the same keys as RV(files).
  returned: success
  type: list
  elements: dict
  sample: []
copies:
  description: One entry per copy, with the same keys as RV(files) and its C(source), without a mode.
  returned: success
  type: list
  elements: dict
  sample: []
swept:
  description: The half-written files of killed runs that were removed.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._files.copies import Copy
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import (
    Wanted,
    parse_mode,
    parse_path,
)
from ansible_collections.rampart.k8s.plugins.module_utils._files.operation import ConfigFiles

SPEC = ArgumentSpec(
    options={
        "directories": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "mode": {"type": "str", "default": "0700"},
                "widen": {"type": "bool", "default": False},
            },
        },
        # no_log as a whole keeps every content out of the system log, which is written before it is
        # known which ones are secret; build() then lifts it from what is not.
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "no_log": True,
            "options": {
                "path": {"type": "str", "required": True},
                "content": {"type": "str", "required": True},
                "mode": {"type": "str", "default": "0600"},
                "secret": {"type": "bool", "default": False},
            },
        },
        "copies": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "str", "required": True},
                "source": {"type": "str", "required": True},
            },
        },
    },
)


def build(module: AnsibleModule, redactor: Redactor) -> ConfigFiles:
    """Turn the options into what is wanted on the disk."""
    directories: list[dict[str, Any]] = module.params["directories"]
    files: list[dict[str, Any]] = module.params["files"]
    # Not the redactor: it also masks single lines, and those of a kubeconfig stand in many files.
    module.no_log_values = {item["content"] for item in files if item["secret"] and item["content"]}
    return ConfigFiles(
        [
            Wanted(parse_path(item["path"]), parse_mode(item["mode"], item["path"]), widen=item["widen"])
            for item in directories
        ]
        + [
            Wanted(
                parse_path(item["path"]),
                parse_mode(item["mode"], item["path"]),
                item["content"].encode(),
                item["secret"],
            )
            for item in files
        ],
        [
            Copy(parse_path(item["path"]), parse_path(item["source"]).resolve())
            for item in module.params["copies"]
        ],
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
