# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that the modules of Helm share; their documentation stands in doc_fragments/helm.py."""

from __future__ import annotations

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec

RULE = {
    "api_version": {"type": "str", "default": ""},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "default": "*"},
    "condition": {"type": "str", "default": ""},
    "condition_status": {"type": "str", "default": "True"},
    "optional": {"type": "bool", "default": False},
}

IGNORE = {
    "kind": {"type": "str", "default": "*"},
    "name": {"type": "str", "default": "*"},
    "path": {"type": "str", "default": ""},
    "manager": {"type": "str", "default": ""},
}

PROBE = {
    "release": {"type": "str", "default": ""},
    "type": {"type": "str", "choices": ["http", "tcp", "grpc", "command"], "required": True},
    "service": {"type": "str"},
    "selector": {"type": "dict"},
    "port": {"type": "int"},
    "scheme": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "path": {"type": "str", "default": "/"},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "body": {"type": "str", "default": ""},
    "grpc_service": {"type": "str", "default": ""},
    "container": {"type": "str", "default": ""},
    "command": {"type": "list", "elements": "str", "default": []},
    "tries": {"type": "int", "default": 5},
    "seconds": {"type": "int", "default": 5},
}

POLICY = {
    "api_version": {"type": "str", "required": True},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "condition": {"type": "str", "default": ""},
    "condition_status": {"type": "str", "default": "True"},
}

# What must hold of every release; read by the task as a whole.
DEMANDS = {
    "image_gates": {"type": "list", "elements": "str", "default": []},
    "image_gate_max_age_hours": {"type": "int", "default": 0},
    "image_sources": {"type": "list", "elements": "str", "default": []},
    "pod_security": {
        "type": "str",
        "choices": ["privileged", "baseline", "restricted"],
        "default": "restricted",
    },
    "read_only_root": {"type": "bool", "default": True},
    "network_isolation": {"type": "bool", "default": True},
    "policies": {"type": "list", "elements": "dict", "default": [], "options": POLICY},
}

JUDGING = ArgumentSpec(
    {
        "rules": {"type": "list", "elements": "dict", "default": [], "options": RULE},
        "ignore": {"type": "list", "elements": "dict", "default": [], "options": IGNORE},
        "tests": {"type": "bool", "default": True},
        "probes": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": PROBE,
            "required_one_of": [("service", "selector")],
            "mutually_exclusive": [("service", "selector")],
            "required_if": [
                ("type", "http", ("port",)),
                ("type", "tcp", ("port",)),
                ("type", "grpc", ("port",)),
                ("type", "command", ("command",)),
            ],
        },
        "demands": {"type": "dict", "default": {}, "options": DEMANDS, "apply_defaults": True},
        "timeout": {"type": "int", "default": 300},
        "on_failure": {"type": "str", "choices": ["report", "rollback"], "default": "report"},
        "remove_residue": {"type": "bool", "default": False},
        "helm": {"type": "path", "default": "helm"},
        "history_max": {"type": "int", "default": 10},
    }
)
