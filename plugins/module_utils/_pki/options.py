# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options of the module cluster_pki, and what is wanted by them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.moment import parse_past
from ansible_collections.rampart.k8s.plugins.module_utils._files.decide import parse_mode, parse_path
from ansible_collections.rampart.k8s.plugins.module_utils._pki.overlap import Rotation
from ansible_collections.rampart.k8s.plugins.module_utils._pki.wanted import (
    Authority,
    Certificate,
    KeyPair,
    Kubeconfig,
    Wanted,
)

NAME = {"type": "str", "required": True}


def _list(**options: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "default": [], "options": options}


SPEC = ArgumentSpec(
    options={
        "directory": {"type": "path", "required": True},
        "authorities": _list(name=NAME, common_name=NAME, days={"type": "int", "default": 3650}),
        "certificates": _list(
            name=NAME,
            authority=NAME,
            common_name=NAME,
            organizations={"type": "list", "elements": "str", "default": []},
            usages={"type": "list", "elements": "str", "choices": ["server", "client"], "required": True},
            dns={"type": "list", "elements": "str", "default": []},
            addresses={"type": "list", "elements": "str", "default": []},
            days={"type": "int", "default": 365},
            directory={"type": "path"},
            owner={"type": "str", "default": ""},
        ),
        # These two hold names and settings only; their own names make Ansible suspect secrets.
        "key_pairs": {
            **_list(name=NAME, algorithm={"type": "str", "choices": ["rsa", "ecdsa"], "default": "rsa"}),
            "no_log": False,
        },
        "kubeconfigs": _list(
            path={"type": "path", "required": True},
            cluster=NAME,
            server=NAME,
            authority=NAME,
            certificate=NAME,
            user=NAME,
            mode={"type": "str", "default": "0600"},
        ),
        "renew_before_days": {"type": "int", "default": 30},
        "rotate": _list(
            names={"type": "list", "elements": "str", "required": True},
            step={"type": "str", "choices": ["trust", "switch", "drop"], "required": True},
            max_age_days={"type": "int", "default": 0},
            made_before={"type": "str"},
            after={"type": "int", "default": 0},
        ),
    },
)


def certificate(item: dict[str, Any]) -> Certificate:
    """Turn one entry of the option into a certificate."""
    lists = {name: tuple(item[name]) for name in ("organizations", "usages", "dns", "addresses")}
    directory = parse_path(item["directory"]) if item["directory"] else None
    return Certificate(**{**item, **lists, "directory": directory})


def kubeconfig(item: dict[str, Any]) -> Kubeconfig:
    """Turn one entry of the option into a kubeconfig."""
    return Kubeconfig(
        **{**item, "path": parse_path(item["path"]), "mode": parse_mode(item["mode"], item["path"])}
    )


def rotations(item: dict[str, Any]) -> list[Rotation]:
    """Turn one entry of the option into steps of rotations."""
    age = datetime.timedelta(days=item["max_age_days"]) if item["max_age_days"] > 0 else None
    before = parse_past(item["made_before"], "made_before")
    after = datetime.datetime.fromtimestamp(item["after"], datetime.UTC) if item["after"] else None
    return [Rotation(name, item["step"], age, before, after) for name in item["names"]]


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Turn the options into what is wanted below the folder."""
    return Wanted(
        directory=Path(parse_path(options["directory"])),
        authorities=[Authority(**item) for item in options["authorities"]],
        certificates=[certificate(item) for item in options["certificates"]],
        key_pairs=[KeyPair(**item) for item in options["key_pairs"]],
        kubeconfigs=[kubeconfig(item) for item in options["kubeconfigs"]],
        renew_before_days=options["renew_before_days"],
    )
