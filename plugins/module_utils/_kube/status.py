# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Turns the API server's Status answers into sentences with a next step."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


class ApiError(RampartError):
    """The API server said no."""

    def __init__(self, message: str, *, status: dict[str, Any], next_step: str = "", **details: Any) -> None:
        super().__init__(message, next_step=next_step, **details)
        self.status = status

    @property
    def code(self) -> int:
        """The HTTP status."""
        return int(self.status.get("code") or 0)

    @property
    def reason(self) -> str:
        """The machine-readable reason (NotFound, Conflict, Forbidden and so on)."""
        return str(self.status.get("reason") or "")

    @property
    def missing_kind(self) -> str:
        """Which resource does not exist: it may be the namespace and not the object."""
        details = self.status.get("details") or {}
        return str(details.get("kind") or "") if self.code == 404 else ""

    @property
    def conflicts(self) -> list[dict[str, str]]:
        """The fields that another field manager owns, with its name."""
        causes = (self.status.get("details") or {}).get("causes") or []
        return [
            {"field": cause.get("field", ""), "manager": _manager(cause.get("message", ""))}
            for cause in causes
            if cause.get("reason") == "FieldManagerConflict"
        ]


def _manager(message: str) -> str:
    # conflict with "kubectl" using apps/v1
    parts = message.split('"')
    return parts[1] if len(parts) > 2 else message


NEXT_STEPS = {
    401: "renew the credential of the kubeconfig (log in again)",
    403: "ask the cluster's administrator for this permission, or use a user that has it",
    404: "create it first, or correct its name",
    409: "run again; when it persists, see who else writes to this object",
    410: "run again",
    413: "make the object smaller",
    415: "use Kubernetes 1.22 or newer, which has server-side apply",
    422: "correct the named fields",
    429: "lower the load on the API server, or raise api_timeout",
    500: "look into the logs of the API server and of etcd",
    503: "wait until the API server is ready and run again",
    504: "look at the load of the API server and of etcd",
}


def parse(code: int, body: bytes) -> dict[str, Any]:
    """Read a Status; what is not one (a proxy's page) becomes one without its text."""
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return {**status, "code": status.get("code") or code}
    return {"code": code, "reason": "", "message": f"the answer {code} is not from a Kubernetes API server"}


def error(verb: str, target: str, status: dict[str, Any]) -> ApiError:
    """Word a refusal: what was tried, on what, the server's reason, what to do."""
    code = int(status.get("code") or 0)
    details = status.get("details") or {}
    found = ApiError("", status=status)
    if found.conflicts:
        listed = "; ".join(f"{item['field']} is owned by {item['manager']}" for item in found.conflicts)
        return ApiError(
            f"Could not {verb} {target}: other field managers own fields that are to be changed: {listed}.",
            status=status,
            next_step="take these fields out of the definition, or set force_conflicts to take them over",
            conflicts=found.conflicts,
        )
    causes = [
        {"field": cause.get("field", ""), "message": cause.get("message", "")}
        for cause in details.get("causes") or []
    ]
    said = str(status.get("message") or status.get("reason") or f"status {code}").strip()
    step = NEXT_STEPS.get(code, "look into the audit log of the API server")
    if "strict decoding error" in said or "typed patch object" in said:
        step = "correct or remove the unknown or doubled fields"
    elif "webhook" in said and code in (500, 503, 504):
        step = "repair the named admission webhook, or exempt this namespace from it"
    elif "exceeded quota" in said:
        step = "raise the quota of the namespace or ask for less"
    elif "violates PodSecurity" in said:
        step = "make the pod meet the Pod Security level of its namespace"
    elif "being terminated" in said:
        step = "wait until the namespace is gone (see its finalizers) and run again"
    return ApiError(
        f"Could not {verb} {target}: {said}",
        status=status,
        next_step=step,
        status_code=code,
        status_reason=str(status.get("reason") or ""),
        **({"causes": causes} if causes else {}),
    )
