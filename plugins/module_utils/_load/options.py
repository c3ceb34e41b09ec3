# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The options that name images and where they lie; doc_fragments/image_sources.py words them for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._load.sources import Sources
from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted, parse
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import crane

IMAGE = {
    "layout": {"type": "path"},
    "archive": {"type": "path"},
    "docker": {"type": "str"},
    "registry": {"type": "str"},
    "reference": {"type": "str"},
    "platform": {"type": "str"},
    "name": {"type": "str"},
    "digest": {"type": "str"},
}

IMAGES = ArgumentSpec(
    {
        "images": {"type": "list", "elements": "dict", "required": True, "options": IMAGE},
        "docker": {"type": "path", "default": "docker"},
        "source_docker_host": {"type": "str", "default": "unix:///var/run/docker.sock"},
        "timeout": {"type": "int", "default": 600},
    }
)


def wanted_of(parameters: Mapping[str, Any]) -> list[Wanted]:
    """Return the images that the options name."""
    return [parse(entry) for entry in parameters["images"]]


def sources_of(parameters: Mapping[str, Any], redactor: Redactor) -> Sources:
    """Return where images are read from."""
    return Sources(
        docker=parameters["docker"],
        docker_host=parameters["source_docker_host"],
        crane=crane(
            parameters["crane"],
            ca=parameters["registry_ca"],
            config=parameters["docker_config"],
            redactor=redactor,
            timeout=parameters["timeout"],
        ),
        timeout=parameters["timeout"],
    )
