# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Alerts as Falco and the audit log of the API server word them, and which pod each is about. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import presentable
from ansible_collections.rampart.k8s.plugins.module_utils._incident.concerned import pod_of
from ansible_collections.rampart.k8s.plugins.module_utils._incident.severity import HIGH, OF_PRIORITY

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Alert:
    """What was noticed, where, and how bad it is; without a pod it is about a user."""

    id: str
    namespace: str
    pod: str
    severity: str
    title: str
    source: str
    time: str

    def as_data(self) -> dict[str, str]:
        """Return plain data, for playbooks."""
        return {name: getattr(self, name) for name in self.__slots__}


def read(text: str, name: str) -> Alert:
    """Read one alert; whatever cannot be understood is an error, never an alert about nothing."""
    try:
        said = json.loads(text)
    except ValueError as error:
        raise _wrong(name, "it is no JSON") from error
    if not isinstance(said, Mapping):
        raise _wrong(name, "it is no object")
    if said.get("kind") == "Event" and str(said.get("apiVersion", "")).startswith("audit.k8s.io/"):
        return _audit(said, name)
    if "rule" in said and "priority" in said:
        return _falco(said, name)
    raise _wrong(name, "it is neither an alert of Falco (rule, priority) nor an audit event (audit.k8s.io)")


def _wrong(name: str, why: str) -> RampartError:
    return RampartError(
        f"The alert {name} cannot be acted upon: {why}. Nothing was touched.",
        next_step="correct or remove the file; Falco's JSON output and audit.k8s.io events are understood",
        alert=name,
    )


def _falco(said: Mapping[str, Any], name: str) -> Alert:
    fields = said.get("output_fields")
    if not isinstance(fields, Mapping):
        raise _wrong(name, "it has no output_fields")
    priority = str(said["priority"]).lower()
    if priority not in OF_PRIORITY:
        raise _wrong(name, f"nobody knows the priority {presentable(str(said['priority']))!r}")
    severity, rule, time = OF_PRIORITY[priority], said["rule"], said.get("time")
    space, pod = fields.get("k8s.ns.name"), fields.get("k8s.pod.name")
    if said.get("source") != "k8s_audit":
        return _made(name, space, pod, severity, rule, "falco", time)
    if space is None or pod is None:
        # Somebody did it from outside: there is nothing to cut off, but somebody to be told.
        return _told(severity, rule, fields.get("ka.user.name"), time)
    return _made(name, space, pod, severity, rule, "audit", time)


def _audit(said: Mapping[str, Any], name: str) -> Alert:
    """An event about a pod, or one that a pod caused with its token."""
    concerned = pod_of(said)
    if concerned is None:
        raise _wrong(name, "it is about no pod, and no pod caused it")
    space, pod = concerned
    about = said.get("objectRef")
    about = about if isinstance(about, Mapping) else {}
    what = [said.get("verb"), about.get("resource"), about.get("subresource"), "of", about.get("name")]
    title = " ".join(str(word) for word in what if word)
    return _made(name, space, pod, HIGH, title, "audit", said.get("requestReceivedTimestamp"))


def _told(severity: str, rule: Any, user: Any, time: Any) -> Alert:
    """Return an alert about no pod, but about a user."""
    title = presentable(f"{rule} by {user or 'nobody known'}")
    digest = hashlib.sha256(title.encode()).hexdigest()[:10]
    return Alert(f"audit-{digest}", "", "", severity, title, "audit", presentable(str(time)) if time else "")


def _made(name: str, space: Any, pod: Any, severity: str, title: Any, source: str, time: Any) -> Alert:
    for what, value in (("namespace", space), ("pod", pod)):
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise _wrong(name, f"it names no {what}")
    # The same trouble of the same pod is one incident, however often it is reported.
    digest = hashlib.sha256(f"{source} {title} {space}/{pod}".encode()).hexdigest()[:10]
    words = presentable(str(title))
    return Alert(
        f"{source}-{digest}", space, pod, severity, words, source, presentable(str(time)) if time else ""
    )
