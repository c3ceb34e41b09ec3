# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Tries an object, and hears which policies speak against it: in refusals and in warnings alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import warnings

_WORDS = (
    # Kyverno puts all policies into one sentence.
    re.compile(
        r"Policy (?P<name>\S+) (?P<how>failed|error): (?P<why>.*?)(?=; Policy \S+ (?:failed|error): |$)", re.S
    ),
    re.compile(
        r"ValidatingAdmissionPolicy '(?P<name>[^']+)' with binding '[^']+'(?: denied request)?: (?P<why>.*)",
        re.S,
    ),
    re.compile(r"\[(?P<name>rampart-[a-z0-9-]+)\] (?P<why>[^\n]*)"),
)  # fmt: skip
# An expression that could not be evaluated is no judgement.
_BROKEN = re.compile(r"expression '.*' resulted in error|^failed to evaluate policy", re.S)


@dataclass(frozen=True, slots=True)
class Objection:
    """What one policy says against an object."""

    name: str
    why: str
    # The policy could not judge, which is no verdict.
    broken: bool = False


def objections(texts: Iterable[str]) -> list[Objection]:
    """Find the policies that speak in some texts."""
    found = []
    for text in texts:
        for shape in _WORDS:
            for match in shape.finditer(text):
                why = " ".join(match["why"].split())
                how = match.groupdict().get("how") or ""
                found.append(Objection(match["name"], why, how == "error" or bool(_BROKEN.search(why))))
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a try."""

    code: int
    message: str
    objections: tuple[Objection, ...]
    object: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        return self.code < 300

    def against(self, name: str) -> Objection | None:
        return next((each for each in self.objections if each.name == name), None)


def attempt(client: Client, path: str, body: Mapping[str, Any]) -> Answer:
    """Try to make an object as a dry run: nothing is made, and everybody is asked as if it were."""
    answer = client.transport.send("POST", path, query={"dryRun": "All"}, body=dict(body))
    said = status.parse(answer.status, answer.body) if answer.status >= 300 else {}
    message = str(said.get("message") or "")
    heard = [message, *warnings.parse(answer.headers.get("Warning") or "")]
    made = json.loads(answer.body) if answer.status < 300 else {}
    return Answer(answer.status, message, tuple(objections(heard)), made)
