# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What an image says about itself: environment, labels, commands and how it was built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text


def config_texts(image: str, configs: Sequence[Mapping[str, Any]]) -> list[Text]:
    """Return everything in an image's configurations that a person could have written."""
    return [Text(f"{image} {name}", content) for config in configs for name, content in _texts(config)]


def _texts(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    settings = config.get("config") or config.get("container_config") or {}
    for entry in settings.get("Env") or []:
        yield f"env {str(entry).partition('=')[0]}", str(entry)
    for name, value in (settings.get("Labels") or {}).items():
        yield f"label {name}", f"{name}={value}"
    for name in ("Entrypoint", "Cmd", "OnBuild"):
        words = settings.get(name) or []
        if words:
            yield name.lower(), " ".join(map(str, words))
    check = (settings.get("Healthcheck") or {}).get("Test") or []
    if check:
        yield "healthcheck", " ".join(map(str, check))
    for number, step in enumerate(config.get("history") or [], start=1):
        said = "\n".join(str(step[key]) for key in ("created_by", "comment", "author") if step.get(key))
        if said:
            yield f"history {number}", said
