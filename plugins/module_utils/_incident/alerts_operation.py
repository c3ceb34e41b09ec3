# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What rampart.k8s.incident_alerts_info does with its arguments."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._incident import alerts
from ansible_collections.rampart.k8s.plugins.module_utils._incident.severity import SEVERITIES

SPEC = ArgumentSpec({"path": {"type": "path", "required": True}})
MOST_BYTES = 1 << 20


class IncidentAlerts:
    """Reads a file, or all of a folder; one that cannot be understood stops everything."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._path = Path(parameters["path"])

    def plan(self) -> Plan:
        """Read."""
        read = [(file, alerts.read(self._text(file), str(file))) for file in self._files()]
        # The same trouble of the same pod is one incident, and a pod is cut off once.
        incidents = _worst((alert for _file, alert in read), lambda alert: alert.id)
        pods = _worst((alert for alert in incidents if alert.pod), lambda alert: (alert.namespace, alert.pod))
        others = [alert for alert in incidents if not alert.pod]
        also = f", {len(others)} about none" if others else ""
        return Plan(
            False,
            f"{len(read)} alerts about {len(pods)} pods{also}",
            result={
                "alerts": [alert.as_data() for alert in pods],
                "others": [alert.as_data() for alert in others],
                "files": [str(file) for file, _alert in read],
            },
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan

    def _files(self) -> list[Path]:
        if self._path.is_dir():
            return sorted(file for file in self._path.iterdir() if file.suffix == ".json")
        return [self._path]

    def _text(self, file: Path) -> str:
        try:
            with file.open("rb") as stream:
                content = stream.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:
                raise ValueError("it is larger than an alert can be")
            return content.decode()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text of an alert's size"
            raise RampartError(
                f"The alert {file} cannot be read: {why}. Nothing was touched.",
                next_step="correct or remove the file",
                alert=str(file),
            ) from error


def _worst(found: Iterable[alerts.Alert], key: Callable[[alerts.Alert], Hashable]) -> list[alerts.Alert]:
    """Keep of all alerts with the same key the worst, the first of those that are as bad."""
    worst: dict[Hashable, alerts.Alert] = {}
    for alert in found:
        before = worst.setdefault(key(alert), alert)
        if SEVERITIES.index(alert.severity) > SEVERITIES.index(before.severity):
            worst[key(alert)] = alert
    return list(worst.values())
