# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.key_notes import writes
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.metrics import ServerState, read
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotation import Writes

# Lines of a real API server (1.36), and some that must not be taken for them.
TEXT = b"""# HELP apiserver_encryption_config_controller_last_config_info [ALPHA] Information
# TYPE apiserver_encryption_config_controller_last_config_info gauge
apiserver_encryption_config_controller_last_config_info{apiserver_id_hash="sha256:aa",hash="sha256:bb"} 1
apiserver_encryption_config_controller_automatic_reloads_total{apiserver_id_hash="sha256:aa",\
status="failure"} 3
apiserver_encryption_config_controller_automatic_reloads_total{apiserver_id_hash="sha256:aa",\
status="success"} 5
apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds{apiserver_id_hash="sha256:aa",\
status="failure"} 1.7e+09
apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds{apiserver_id_hash="sha256:aa",\
status="success"} 1.6e+09
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",\
transformation_type="to_storage",transformer_prefix="k8s:enc:secretbox:v1:"} 9
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",\
transformation_type="to_storage",transformer_prefix="key-1:"} 7
apiserver_storage_transformation_operations_total{resource="configmaps",status="OK",\
transformation_type="to_storage",transformer_prefix="key-1:"} 2
apiserver_storage_transformation_operations_total{resource="secrets",status="OK",\
transformation_type="from_storage",transformer_prefix="key-1:"} 100
apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds{apiserver_id_hash="sha256:aa",\
key_id_hash="sha256:old",provider_name="vault"} 1.1e+09
apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds{apiserver_id_hash="sha256:aa",\
key_id_hash="sha256:new",provider_name="vault"} 1.2e+09
process_start_time_seconds 1.5e+09
process_start_time_seconds_other 1
"""


def test_what_an_api_server_says_of_itself() -> None:
    assert read(TEXT) == ServerState(
        identity="sha256:aa",
        loaded="sha256:bb",
        started=1.5e9,
        reloaded=1.6e9,
        failures=3,
        writes={"key-1": 9},
        kms_keys={"vault": "sha256:new"},
    )


def test_something_else_says_nothing() -> None:
    assert read(b"<html>not found</html>") == ServerState()


@pytest.mark.parametrize(
    ("state", "loaded"),
    [
        (ServerState(loaded="sha256:bb"), True),
        # The hash is what counts where there is one.
        (ServerState(loaded="sha256:cc", started=1e9, reloaded=1e9), False),
        (ServerState(started=101.0), True),
        (ServerState(started=1.0, reloaded=101.0), True),
        (ServerState(started=99.0, reloaded=99.0), False),
    ],
)
def test_whether_a_file_was_loaded(state: ServerState, loaded: bool) -> None:
    assert state.has_loaded("sha256:bb", 100.0) is loaded


KEY = "key-20261122-101530-00000001"
MADE = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("key", "states", "notes", "expected"),
    [
        # Every server has run since before the key was made: it was counted from the first write on.
        (
            KEY,
            [ServerState(started=MADE - 9, writes={KEY: 5}), ServerState(started=MADE)],
            {},
            Writes(5, True),
        ),
        # One has not: whatever etcd has written since is no less.
        (KEY, [ServerState(started=MADE + 1, writes={KEY: 5})], {KEY: 400}, Writes(600, False)),
        (KEY, [ServerState(started=MADE + 1)], {}, Writes(1000, False)),
        # A note from another etcd is none.
        (KEY, [ServerState(started=MADE + 1)], {KEY: 2000}, Writes(1000, False)),
        ("by-hand", [ServerState(started=MADE)], {"by-hand": 10}, Writes(990, False)),
    ],
)
def test_how_often_a_key_was_used(
    key: str, states: list[ServerState], notes: dict[str, int], expected: Writes
) -> None:
    assert writes([key], states, notes, 1000) == {key: expected}
