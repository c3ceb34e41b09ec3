# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options of image_scan, and what they mean for the operation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, REPORT, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.options import EVIDENCE, play_of
from ansible_collections.rampart.k8s.plugins.module_utils._scan import policy, subjects
from ansible_collections.rampart.k8s.plugins.module_utils._scan.locate import Places
from ansible_collections.rampart.k8s.plugins.module_utils._scan.operation import Order
from ansible_collections.rampart.k8s.plugins.module_utils._scan.tooling import SCANNERS, Wanted

CACHE = "~/.cache/rampart/scan"


def _strings(default: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "str", "default": default or [], **more}


def _scanners() -> dict[str, Any]:
    return _strings(list(SCANNERS), choices=list(SCANNERS))


IMAGE = {
    "docker": {"type": "str"},
    "containerd": {"type": "str"},
    "registry": {"type": "str"},
    "archive": {"type": "path"},
    "layout": {"type": "path"},
    "sbom": {"type": "path"},
    "dockerfile": {"type": "path"},
    "reference": {"type": "str"},
    "name": {"type": "str"},
    "expect_packages": {"type": "bool", "default": True},
}

POLICY = {
    "block_critical": {"type": "bool", "default": True},
    "block_high": {"type": "bool", "default": True},
    "allow_medium_with_fix": {"type": "bool", "default": True},
    "severity": {"type": "str", "choices": list(policy.SEVERITY_RULES), "default": "highest"},
    "due_hours": {
        "type": "dict",
        "default": {},
        "options": {word: {"type": "int"} for word in policy.DUE_HOURS},
    },
    "block_checks_from": {
        "type": "str",
        "choices": ["critical", "high", "medium", "low", "negligible"],
        "default": "high",
    },
    "not_about_images": _strings(["CIS-DI-0005"]),
    "denied_licences": _strings(),
    "allowed_licences": _strings(),
    "block_end_of_life": {"type": "bool", "default": True},
    "block_root": {"type": "bool", "default": True},
    "max_size_mb": {"type": "int", "default": 0},
    "required_scanners": _scanners(),
    "require_dockerfile": {"type": "bool", "default": False},
    "max_database_hours": {"type": "int", "default": 120},
    "allow_stale_database": {"type": "bool", "default": False},
}

SPEC = (
    PROGRESS
    | EVIDENCE
    | REPORT
    | ArgumentSpec(
        {
            "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
            "policy": {"type": "dict", "default": {}, "options": POLICY},
            "environment_name": {"type": "str", "default": ""},
            "exceptions": {"type": "path"},
            "scanners": _scanners(),
            "programs": {"type": "dict", "default": {}},
            "sums": {"type": "dict", "default": {}},
            "trivy_database": {"type": "path", "default": f"{CACHE}/databases/trivy"},
            "grype_database": {"type": "path", "default": f"{CACHE}/databases/grype"},
            "docker_program": {"type": "str", "default": "docker"},
            "docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
            "ctr_program": {"type": "str", "default": "ctr"},
            "containerd_address": {"type": "path", "default": "/run/containerd/containerd.sock"},
            "containerd_namespace": {"type": "str", "default": "k8s.io"},
            "crane_program": {"type": "str", "default": "crane"},
            "cache_dir": {"type": "path", "default": CACHE},
            "state_dir": {"type": "path", "default": "/var/lib/rampart/scan"},
            "report_dir": {"type": "path"},
            "parallel": {"type": "int", "default": 2},
            "memory_mb": {"type": "int", "default": 3072},
            "timeout": {"type": "int", "default": 900},
        }
    )
)


def order_of(options: Mapping[str, Any], *, check_mode: bool) -> Order:
    """Turn the options into what the operation works on."""
    named = tuple(subjects.parse(entry) for entry in options["images"])
    if not named:
        raise RampartError("No image is given, so nothing would be judged.", next_step="give at least one")
    for name in ("parallel", "memory_mb", "timeout"):
        if options[name] < 1:
            raise RampartError(f"{name} is {options[name]}.", next_step="give a number above zero")
    strange = sorted({*options["programs"], *options["sums"]} - set(SCANNERS))
    if strange:
        raise RampartError(
            f"Nothing is known of the scanners {', '.join(strange)}.", next_step=f"name {', '.join(SCANNERS)}"
        )
    return Order(
        subjects=named,
        # Without a policy Ansible fills in no defaults of its suboptions; the policy has the same ones.
        policy=policy.parse(options["policy"]),
        environment=options["environment_name"],
        exceptions=_path(options["exceptions"]),
        wanted=Wanted(
            scanners=tuple(options["scanners"]),
            programs=options["programs"],
            sums={name: str(value).removeprefix("sha256:") for name, value in options["sums"].items()},
            databases={name: Path(options[f"{name}_database"]).absolute() for name in ("trivy", "grype")},
            slots=options["parallel"],
            memory_mb=options["memory_mb"],
            cores=len(os.sched_getaffinity(0)),
            timeout=float(options["timeout"]),
        ),
        places=Places(
            docker=options["docker_program"],
            docker_host=options["docker_host"],
            ctr=options["ctr_program"],
            containerd_address=options["containerd_address"],
            containerd_namespace=options["containerd_namespace"],
            crane=options["crane_program"],
        ),
        cache_dir=Path(options["cache_dir"]),
        state_dir=Path(options["state_dir"]),
        report_dir=_path(options["report_dir"]),
        report_only=options["report_only"],
        check_mode=check_mode,
        evidence_dir=_path(options["evidence_dir"]),
        play=play_of(options),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
