# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import tempfile

import pytest
from ansible import constants
from ansible_collections.rampart.k8s.plugins.callback import module_server
from ansible_collections.rampart.k8s.plugins.plugin_utils import direct


def test_the_server_lives_as_long_as_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_led_by", [])
    with tempfile.TemporaryDirectory(prefix="rm-") as base:
        monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", base)
        callback = module_server.CallbackModule()
        callback.v2_playbook_on_start(None)
        server = callback._server
        assert server
        assert server.poll() is None
        assert direct.interpreter("evidence_info") == f"{base}/modules/evidence_info"
        callback.v2_playbook_on_stats(None)
        assert server.returncode == 0


def test_a_run_without_a_server_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "start_server", lambda _folder: None)
    callback = module_server.CallbackModule()
    callback.v2_playbook_on_start(None)
    callback.v2_playbook_on_stats(None)
    assert direct.interpreter("evidence_info") == sys.executable
