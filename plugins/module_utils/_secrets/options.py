# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options by which a secret is declared; doc_fragments/secrets.py words them for people."""

from __future__ import annotations

from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

STRATEGIES = ("overlap", "versioned", "in_place")
GENERATORS = (
    "password",
    "bytes",
    "key_pair",
    "signing_keys",
    "jwks",
    "tls",
    "authority",
    "docker_config",
    "template",
    "constant",
    "value",
    "backend",
)
BACKENDS = ("postgresql", "http", "command", "service_account", "key_list")
USAGES = ("server", "client")


def _strings(**more: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "str", "default": [], **more}


KEY: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "generator": {"type": "str", "choices": list(GENERATORS), "default": "password"},
    "alphabet": {"type": "str"},
    "entropy_bits": {"type": "int", "default": 192},
    "size": {"type": "int", "default": 32},
    "encoding": {"type": "str", "choices": ["raw", "hex", "base64"], "default": "raw"},
    "algorithm": {"type": "str"},
    "public_name": {"type": "str"},
    "source": {"type": "str"},
    "source_key": {"type": "str", "no_log": False},
    "ca": {"type": "str"},
    "signer_name": {"type": "str"},
    "common_name": {"type": "str"},
    "dns": _strings(),
    "addresses": _strings(),
    "usages": _strings(choices=list(USAGES)),
    "days": {"type": "int"},
    "registry": {"type": "str"},
    "username": {"type": "str"},
    "text": {"type": "str"},
    "value": {"type": "str", "no_log": True},
    "file": {"type": "path"},
}

SERVICE: dict[str, Any] = {
    "type": "dict",
    "options": {
        "namespace": {"type": "str"},
        "name": {"type": "str", "required": True},
        "port": {"type": "int", "required": True},
    },
}

POSTGRESQL: dict[str, Any] = {
    "type": "dict",
    "options": {
        "service": SERVICE,
        "host": {"type": "str"},
        "port": {"type": "int", "default": 5432},
        "database": {"type": "str", "default": "postgres"},
        "admin_secret": {"type": "str", "no_log": False},
        "ca_secret": {"type": "str", "no_log": False},
        "server_name": {"type": "str"},
        "roles": _strings(),
        "username_key": {"type": "str", "default": "username", "no_log": False},
        "password_key": {"type": "str", "default": "password", "no_log": False},
        "timeout": {"type": "int", "default": 10},
    },
    "required_one_of": [("service", "host")],
    "mutually_exclusive": [("service", "host")],
}

REQUEST: dict[str, Any] = {
    "type": "dict",
    "options": {
        "method": {"type": "str", "choices": ["GET", "POST", "PUT", "PATCH", "DELETE"], "default": "POST"},
        "path": {"type": "str", "required": True},
        "headers": {"type": "dict", "default": {}},
        "body": {"type": "raw"},
        "accept": {"type": "list", "elements": "int", "default": [200, 201, 202, 204]},
        "results": {"type": "dict", "default": {}},
    },
}

HTTP: dict[str, Any] = {
    "type": "dict",
    "options": {
        "service": SERVICE,
        "url": {"type": "str", "required": True},
        "admin_secret": {"type": "str", "no_log": False},
        "ca_secret": {"type": "str", "no_log": False},
        "issue": REQUEST,
        "discard": REQUEST,
        "set": REQUEST,
        "test": {**REQUEST, "required": True},
        "usage": REQUEST,
        "revoke": REQUEST,
        "timeout": {"type": "int", "default": 10},
    },
}

COMMAND: dict[str, Any] = {
    "type": "dict",
    "options": {
        "argv": {"type": "list", "elements": "str", "required": True},
        "admin_secret": {"type": "str", "no_log": False},
        "timeout": {"type": "int", "default": 60},
    },
}

SERVICE_ACCOUNT: dict[str, Any] = {
    "type": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "token_key": {"type": "str", "default": "token", "no_log": False},
        "audiences": _strings(),
        "expiration_seconds": {"type": "int", "default": 60 * 86400},
    },
}

KEY_LIST: dict[str, Any] = {
    "type": "dict",
    "options": {
        "namespace": {"type": "str"},
        "name": {"type": "str", "required": True},
        "key": {"type": "str", "required": True, "no_log": False},
        "timeout": {"type": "int", "default": 120},
    },
}

SECRET: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "secret_class": {"type": "str", "required": True, "aliases": ["class"], "no_log": False},
    "type": {"type": "str", "default": "Opaque"},
    "owner": {"type": "str", "default": ""},
    "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "overlap"},
    # Its entries hold one option that is secret, and it says so itself.
    "keys": {"type": "list", "elements": "dict", "required": True, "options": KEY, "no_log": False},
    "backend": {
        "type": "dict",
        "options": {
            "postgresql": POSTGRESQL,
            "http": HTTP,
            "command": COMMAND,
            "service_account": SERVICE_ACCOUNT,
            "key_list": {**KEY_LIST, "no_log": False},
        },
        "mutually_exclusive": [BACKENDS],
    },
}

CLASS: dict[str, Any] = {"classes": {"type": "dict", "default": {}}}

SECRETS = ArgumentSpec(
    {
        "secrets": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": SECRET,
            "no_log": False,
        },
        **CLASS,
    }
)
