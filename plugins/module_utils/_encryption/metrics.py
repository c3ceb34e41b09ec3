# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads off an API server's metrics what it knows of its encryption configuration. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_CONFIG = "apiserver_encryption_config_controller_"
HASH = f"{_CONFIG}last_config_info"
RELOADS = f"{_CONFIG}automatic_reloads_total"
RELOADED = f"{_CONFIG}automatic_reload_last_timestamp_seconds"
TRANSFORMATIONS = "apiserver_storage_transformation_operations_total"
KMS_KEY = "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds"
STARTED = "process_start_time_seconds"

_NAMES = f"{HASH}|{RELOADS}|{RELOADED}|{TRANSFORMATIONS}|{KMS_KEY}|{STARTED}"
_LINE = re.compile(rf"^({_NAMES})(?:\{{(.*)\}})? (\S+)".encode(), re.MULTILINE)
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class ServerState:
    """What one API server says of itself."""

    # The hash of its name; empty where servers have none (the feature gate APIServerIdentity).
    identity: str = ""
    # The hash of the file that it works with; empty where it does not tell (before Kubernetes 1.35).
    loaded: str = ""
    started: float = 0.0
    reloaded: float = 0.0
    failures: int = 0
    # How often each key encrypted something since the start.
    writes: Mapping[str, int] = field(default_factory=dict)
    # By KMS provider, the hash of the KMS's own key that is used now.
    kms_keys: Mapping[str, str] = field(default_factory=dict)

    def has_loaded(self, wanted: str, written: float) -> bool:
        """Tell whether the server works with a file of this hash, written at this time."""
        return self.loaded == wanted if self.loaded else max(self.started, self.reloaded) > written


def samples(text: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield the lines that matter here."""
    for found in _LINE.finditer(text):
        name, labels, value = found.groups()
        yield name.decode(), dict(_LABEL.findall((labels or b"").decode())), float(value)


def read(text: bytes) -> ServerState:
    """Return what the metrics say."""
    identity = loaded = ""
    started = reloaded = 0.0
    failures = 0
    writes: Counter[str] = Counter()
    kms_seen: dict[str, tuple[float, str]] = {}
    for name, labels, value in samples(text):
        if name == STARTED:
            started = value
        elif name == HASH:
            identity, loaded = labels.get("apiserver_id_hash", ""), labels.get("hash", "")
        elif name == RELOADS and labels.get("status") == "failure":
            failures += int(value)
        elif name == RELOADED and labels.get("status") == "success":
            reloaded = max(reloaded, value)
        elif name == TRANSFORMATIONS and labels.get("transformation_type") == "to_storage":
            # A key notes its name and a colon; its provider notes its own writing beside it.
            prefix = labels.get("transformer_prefix", "")
            if not prefix.startswith("k8s:enc:"):
                writes[prefix.removesuffix(":")] += int(value)
        elif name == KMS_KEY:
            provider = labels.get("provider_name", "")
            kms_seen[provider] = max(
                kms_seen.get(provider, (0.0, "")), (value, labels.get("key_id_hash", ""))
            )
    kms_keys = {provider: seen for provider, (_time, seen) in kms_seen.items()}
    return ServerState(identity, loaded, started, reloaded, failures, dict(writes), kms_keys)
