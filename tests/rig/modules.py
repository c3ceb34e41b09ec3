# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of this collection in this process, as Ansible would, and returns its answer."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

from ansible.module_utils.testing import patch_module_args

PACKAGE = "ansible_collections.rampart.k8s.plugins.modules"


def run_module(
    name: str, arguments: dict[str, Any], *, check: bool = False, diff: bool = True
) -> dict[str, Any]:
    """Run a module; a failure comes back as its result (``failed``), as it would in a play.

    The whole text that Ansible would get is kept under ``_text``, for those who look for secrets.
    """
    # JSON is what really travels; a test's tuples and keys must not be kinder than that.
    given = json.loads(json.dumps({**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}))
    shown = io.StringIO()
    with patch_module_args(given), contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        importlib.import_module(f"{PACKAGE}.{name}").main()
    text = shown.getvalue()
    result: dict[str, Any] = {**json.loads(text), "_text": text}
    if "Traceback" in text:
        raise AssertionError(f"{name} showed a traceback: {text}")
    return result
