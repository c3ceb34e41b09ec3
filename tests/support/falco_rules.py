# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the role falco, rendered from its variables.

``python -m tests.support.falco_rules NAME VARIABLES`` prints them. Whoever imports this is a controller
for Ansible from then on, and its modules show their warnings instead of returning them: a process that
runs modules asks in this way.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.unit.collection import ROOT, load


def rendered(name: str, **changed: Any) -> str:
    """Render one file of rules as the role would."""
    variables = load("roles/falco/defaults/main.yml") | load("roles/falco/vars/main/rules.yml")
    variables |= {
        "falco_namespaces": ["dev", "prod"],
        "cluster_layout_root": "/x",
        "cluster_layout_driver": "embedded",
    }
    variables |= {"cluster_layout_state_dir": "/x"} | changed
    templar = Templar(DataLoader(), {key: _trusted(value) for key, value in variables.items()})
    template = (ROOT / f"roles/falco/templates/{name}.yaml.j2").read_text()
    return str(templar.template(trust_as_template(template), overrides=None))


def _trusted(value: Any) -> Any:
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [_trusted(each) for each in value]
    if isinstance(value, dict):
        return {key: _trusted(each) for key, each in value.items()}
    return value


if __name__ == "__main__":
    print(rendered(sys.argv[1], **json.loads(sys.argv[2])))
