# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which pod an event of the audit log is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The pod that a service account's token is bound to, as the API server names it.
BOUND_POD = "authentication.kubernetes.io/pod-name"


def pod_of(event: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return namespace and name of the pod that caused it with its token, or else that it is about."""
    about = event.get("objectRef")
    about = about if isinstance(about, Mapping) else {}
    user = event.get("user")
    user = user if isinstance(user, Mapping) else {}
    extra = user.get("extra")
    bound = extra.get(BOUND_POD) if isinstance(extra, Mapping) else None
    caller = str(user.get("username") or "").split(":")
    if isinstance(bound, list) and bound and caller[:2] == ["system", "serviceaccount"]:
        return (caller[2] if len(caller) == 4 else None), bound[0]
    if about.get("resource") == "pods":
        return about.get("namespace"), about.get("name")
    return None
