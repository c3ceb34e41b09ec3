# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""SLSA provenance v1: what an image was made of, by whom and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BUILD_TYPE = "https://github.com/rampart-k8s/rampart.k8s/build/v1"


def predicate(build: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what the pipeline knows of a build into the predicate https://slsa.dev/provenance/v1."""
    source = {"uri": build["source_uri"], "digest": {"gitCommit": build["source_commit"]}}
    dependencies = [
        {"uri": each["uri"], "digest": dict([each["digest"].split(":", 1)])} for each in build["dependencies"]
    ]
    metadata = {
        "invocationId": build["invocation"],
        "startedOn": build["started"],
        "finishedOn": build["finished"],
    }
    return {
        "buildDefinition": {
            "buildType": build["type"] or BUILD_TYPE,
            "externalParameters": {"source": source["uri"], **build["parameters"]},
            "resolvedDependencies": [source, *dependencies],
        },
        "runDetails": {
            "builder": {"id": build["builder"]},
            "metadata": {key: value for key, value in metadata.items() if value},
        },
    }
