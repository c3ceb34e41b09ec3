# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Renders charts as Helm would install them; what comes out goes through memory only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?")
SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)


def render(chart: Mapping[str, Any], helm: str, redactor: Redactor, timeout: float) -> list[Text]:
    """Return one text for each template."""
    release, namespace, path = chart["release"], chart["namespace"], chart["chart"]
    if not NAME.fullmatch(release) or not NAME.fullmatch(namespace) or path.startswith("-"):
        raise RampartError(
            f"The chart {path!r} cannot be rendered as {release!r} in {namespace!r}.",
            next_step="name release and namespace by lower-case letters and digits, a chart by its path",
        )
    arguments = ["template", release, path, "--namespace", namespace]
    for file in chart["values"]:
        arguments += ["--values", file]
    done = Cli(helm, redactor=redactor, timeout=timeout).run(*arguments)
    texts = []
    for document in done.stdout.split("\n---\n"):
        source = SOURCE.search(document)
        if document.strip():
            texts.append(Text(source[1] if source else path, document))
    if not texts:
        raise RampartError(
            f"The chart {path} renders to nothing, so there is nothing to judge.",
            next_step="correct the chart or its values",
            chart=path,
        )
    return texts
