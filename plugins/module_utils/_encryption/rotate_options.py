# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options of the module encryption_rotate, and what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Process
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.moment import parse_past
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption import restart
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.of_api_server import question
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.options import (
    api_server_of,
    endpoint_of,
)
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.rotate_look import Order
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.servers import ApiServer, Reload
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.transitions import Target
from ansible_collections.rampart.k8s.plugins.module_utils._kube.kubeconfig import load
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

# After that many values under one key, random nonces of AES-GCM become too likely to meet.
AESGCM_WRITES = 200_000

COMMAND = {"type": "list", "elements": "str", "default": []}

ROTATION = ArgumentSpec(
    {
        "cluster_root": {"type": "path"},
        "config_path": {"type": "path"},
        "api_servers": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "server": {"type": "str", "required": True},
                "publish": COMMAND,
                "restart": COMMAND,
            },
        },
        "provider": {
            "type": "str",
            "choices": ["secretbox", "aesgcm", "aescbc", "kms"],
            "default": "secretbox",
        },
        "kms": {
            "type": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "endpoint": {"type": "str", "required": True},
                "timeout": {"type": "str", "default": "3s"},
            },
        },
        "resources": {"type": "list", "elements": "str", "default": []},
        "allow_plaintext_read": {"type": "bool", "default": False},
        "max_age_days": {"type": "int", "default": 90},
        "max_writes": {"type": "int"},
        "made_before": {"type": "str"},
        "rewrite": {"type": "str", "choices": ["auto", "migration", "pool"], "default": "auto"},
        "reload": {"type": "str", "choices": ["automatic", "restart"], "default": "automatic"},
        "reload_timeout": {"type": "int", "default": 150},
        "backup_dir": {"type": "path"},
        "compact_history": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 0},
    },
    mutually_exclusive=(("cluster_root", "config_path"), ("cluster_root", "endpoint")),
    required_one_of=(("cluster_root", "config_path"),),
    required_together=(("config_path", "endpoint"),),
    required_if=(("provider", "kms", ("kms",)),),
)


def _target(options: Mapping[str, Any]) -> Target:
    """Turn the options into what is wanted."""
    limit = options["max_writes"]
    days = options["max_age_days"]
    return Target(
        options["provider"],
        {"apiVersion": "v2", **options["kms"]} if options["provider"] == "kms" else {},
        tuple(options["resources"]),
        options["allow_plaintext_read"],
        timedelta(days=days) if days > 0 else None,
        parse_past(options["made_before"], "made_before"),
        {"aesgcm": AESGCM_WRITES} if limit is None else {options["provider"]: limit},
    )


def _servers(options: Mapping[str, Any], address: str, redactor: Redactor) -> tuple[ApiServer, ...]:
    """Return every API server; without a list there is the one of the kubeconfig."""
    root = options["cluster_root"]
    if not options["api_servers"]:
        return (ApiServer(address, (), restart.by_supervisor(root) if root else None),)
    for item in options["api_servers"]:
        if not item["server"].startswith("https://"):
            raise RampartError(
                f"The API server {item['server']!r} is not an https address.",
                next_step="give it as https://host:port",
            )
    return tuple(
        ApiServer(
            item["server"].rstrip("/"),
            tuple(item["publish"]),
            restart.by_command(item["restart"], redactor) if item["restart"] else None,
        )
        for item in options["api_servers"]
    )


def _reload(asked: Reload, api_server: Process | None) -> Reload:
    """Start a server anew that is known not to load a changed file by itself."""
    flag = api_server.flag("encryption-provider-config-automatic-reload") if api_server else "true"
    return asked if flag in ("true", "") else "restart"


def order_of(options: Mapping[str, Any], redactor: Redactor) -> Order:
    """Turn the options into what the person ordered."""
    connection = Connection.of(options)
    endpoint, prefix, path = endpoint_of(options), options["prefix"], options["config_path"]
    api_server = api_server_of(options["cluster_root"]) if options["cluster_root"] else None
    if api_server:
        asked = question(api_server)
        if asked is None or asked.endpoint is None or asked.config_path is None:
            raise RampartError(
                f"The API server of {options['cluster_root']} has no encryption configuration.",
                next_step="start it with --encryption-provider-config (role rampart.k8s.encryption)",
            )
        endpoint, prefix, path = asked.endpoint, asked.prefix, asked.config_path
    address = load(
        connection.kubeconfig,
        connection.context,
        redactor,
        allow_exec_plugins=connection.allow_exec_plugins,
    ).server
    file = ConfigFile(Path(path), redactor)
    return Order(
        file=file,
        target=_target(options),
        endpoint=endpoint,
        prefix=prefix,
        connection=connection,
        servers=_servers(options, address, redactor),
        reload=_reload(options["reload"], api_server),
        reload_timeout=options["reload_timeout"],
        rewrite=options["rewrite"],
        local=api_server is not None,
        state_root=Path(options["cluster_root"] or file.path.parent),
        backup_dir=Path(options["backup_dir"]) if options["backup_dir"] else None,
        compact=options["compact_history"],
        lock_timeout=options["lock_timeout"],
    )
