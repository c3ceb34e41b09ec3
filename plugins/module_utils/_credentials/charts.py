# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a chart would install, as texts to look into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import Release
from ansible_collections.rampart.k8s.plugins.module_utils._charts.render import render as rendered
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Text

SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)


def render(chart: Mapping[str, Any], helm: str, redactor: Redactor, timeout: float) -> list[Text]:
    """Return one text for each template."""
    path = chart["chart"]
    values = [Path(file) for file in chart["values"]]
    release = Release(chart["release"], chart["namespace"], Path(path), values)
    texts = []
    for document in rendered(release, helm, redactor, timeout).split("\n---\n"):
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
