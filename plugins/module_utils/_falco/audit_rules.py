# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes alerts, as Falco words them, of events of the audit log. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import presentable
from ansible_collections.rampart.k8s.plugins.module_utils._falco import audit
from ansible_collections.rampart.k8s.plugins.module_utils._falco.checks import SHOWN
from ansible_collections.rampart.k8s.plugins.module_utils._falco.compile import Compiled
from ansible_collections.rampart.k8s.plugins.module_utils._falco.evaluate import holds
from ansible_collections.rampart.k8s.plugins.module_utils._falco.fields import K8S_AUDIT
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import Field
from ansible_collections.rampart.k8s.plugins.module_utils._incident.concerned import pod_of

ABSENT = "<NA>"
_FRACTION = re.compile(r"(?:\.(\d{1,9}))?Z$")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert, and the name of its file: the same event and rule always have the same."""

    name: str
    said: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return what stands in the file."""
        return json.dumps(self.said, ensure_ascii=False, sort_keys=True) + "\n"


def alert_of(event: audit.Event, rules: Compiled) -> Alert | None:
    """Return an alert for the first rule that fits, as Falco does."""
    for rule in rules.rules:
        if rule["source"] != K8S_AUDIT:
            continue
        if holds(rules.conditions[str(rule["rule"])], lambda field: audit.value(field, event)):
            return _alert(event, rule)
    return None


def _alert(event: audit.Event, rule: Mapping[str, Any]) -> Alert:
    output, fields = _output(event, rule["output"])
    # Whom an incident is about: the field that Falco has for containers.
    namespace, pod = pod_of(event) or (None, None)
    time = _time(event)
    said = {
        "time": time,
        "rule": rule["rule"],
        "priority": rule["priority"],
        "source": K8S_AUDIT,
        "output": f"{time}: {rule['priority']} {output}",
        "output_fields": {
            **fields,
            "evt.time.iso8601": time,
            "ka.auditid": event.get("auditID"),
            "k8s.ns.name": namespace,
            "k8s.pod.name": pod,
        },
        "tags": rule["tags"],
    }
    digest = hashlib.sha256(f"{event.get('auditID')} {rule['rule']}".encode()).hexdigest()[:24]
    return Alert(f"audit-{digest}.json", said)


def _output(event: audit.Event, output: str) -> tuple[str, dict[str, Any]]:
    """Put values into an output; what looks like a credential is withheld."""
    fields: dict[str, Any] = {}

    def shown(found: re.Match[str]) -> str:
        value = audit.value(Field(*found.groups()), event)
        if isinstance(value, list):
            value = f"({','.join(value)})"
        fields[found.group()[1:]] = None if value is None else presentable(value)
        return ABSENT if value is None else presentable(value)

    return SHOWN.sub(shown, output), fields


def _time(event: audit.Event) -> str:
    """Return when it was asked, as Falco writes a time: with nanoseconds."""
    said = str(event.get("requestReceivedTimestamp") or "1970-01-01T00:00:00Z")
    return _FRACTION.sub(lambda found: f".{(found.group(1) or ''):0<9}Z", said)
