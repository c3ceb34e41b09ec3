# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection as Ansible does: arguments in, one JSON answer out.

As a program (``python -m ... NAME``, arguments on standard input) it runs in a process of its own,
which a fault test can kill.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from typing import Any

from ansible.module_utils.testing import patch_module_args

MODULES = "ansible_collections.rampart.k8s.plugins.modules"


def call(name: str, arguments: dict[str, Any], *, check: bool = False, diff: bool = False) -> dict[str, Any]:
    """Return the module's answer, a failed one too."""
    module = importlib.import_module(f"{MODULES}.{name}")
    output = io.StringIO()
    switches = {"_ansible_check_mode": check, "_ansible_diff": diff}
    with (
        patch_module_args({**arguments, **switches}),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


if __name__ == "__main__":
    print(json.dumps(call(sys.argv[1], json.load(sys.stdin))))
