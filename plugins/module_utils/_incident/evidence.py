# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What is kept of a pod, without what must not be kept. Pure.

Evidence is read by many and lies for years, so no secret goes into it: values of environment variables are
left out, bodies of requests too, and everything else is searched for the Secrets that the pod was given and
for what looks like a credential. A copy under encryption would keep them, and its key would be one more
secret to look after.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.references import CONTAINERS
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MASK, Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._incident.concerned import BOUND_POD

WITHHELD = "withheld"

# Credentials by their look, whoever has made them.
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_\w{20,}"
    r"|(?i:(?<=bearer )\S{16,})"
    r"|(?i:\b(?:password|passwd|secret|token|api[_-]?key)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"',;}]{4,}",
    re.DOTALL,
)

# Runs where only a shell and cat are. The kernel's own words; the environment of a process is never read.
PROCESSES = """for p in /proc/[0-9]*; do [ "${p#/proc/}" = "$$" ] && continue
printf '\\001%s\\n' "${p#/proc/}"; cat "$p/status" 2>/dev/null
printf '\\002'; cat "$p/cmdline" 2>/dev/null; done
printf '\\003'; cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null"""


def masked(text: str, redactor: Redactor) -> str:
    """Take out what is known to be secret, and what looks like it."""
    return _SHAPES.sub(MASK, redactor.text(text))


def pod(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod without the values of its environment."""
    kept = copy.deepcopy(dict(live))
    kept["metadata"].pop("managedFields", None)
    (kept["metadata"].get("annotations") or {}).pop("kubectl.kubernetes.io/last-applied-configuration", None)
    for group in CONTAINERS:
        for container in (kept.get("spec") or {}).get(group) or []:
            for variable in container.get("env") or []:
                if "value" in variable:
                    variable["value"] = WITHHELD
    return kept


def processes(said: bytes) -> dict[str, Any]:
    """Read what the script printed: who ran, started by whom and how, and the kernel's connections."""
    listed, _mark, connections = said.partition(b"\3")
    found = []
    for block in listed.split(b"\1")[1:]:
        status, _mark, command = block.partition(b"\2")
        number, _end, fields = status.decode(errors="replace").partition("\n")
        told = dict(line.split(":", 1) for line in fields.splitlines() if ":" in line)
        if told:
            found.append(
                {
                    "pid": number.strip(),
                    "ppid": told.get("PPid", "").strip(),
                    "uid": (told.get("Uid", "").split() or [""])[0],
                    "name": told.get("Name", "").strip(),
                    "command": command.decode(errors="replace").replace("\0", " ").strip(),
                }
            )
    return {"processes": found, "connections": connections.decode(errors="replace").splitlines()}


def audit_line(line: str, namespace: str, pod_name: str) -> dict[str, Any] | None:
    """Return what an audit event says of a pod or of its token; None when it is about something else.

    Bodies of requests and answers are left out, since they can hold secrets.
    """
    if pod_name not in line:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    about, user = event.get("objectRef") or {}, event.get("user") or {}
    bound = (user.get("extra") or {}).get(BOUND_POD) or []
    is_about = (about.get("resource"), about.get("namespace"), about.get("name")) == (
        "pods",
        namespace,
        pod_name,
    )
    caused = pod_name in bound and str(user.get("username", "")).startswith(
        f"system:serviceaccount:{namespace}:"
    )
    if not (is_about or caused):
        return None
    return {
        "auditID": event.get("auditID"),
        "stage": event.get("stage"),
        "time": event.get("requestReceivedTimestamp"),
        "verb": event.get("verb"),
        "user": user.get("username"),
        "sourceIPs": event.get("sourceIPs"),
        "userAgent": event.get("userAgent"),
        "objectRef": about,
        "code": (event.get("responseStatus") or {}).get("code"),
    }
