# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What every Secret of a namespace is, how old, and who uses it. Pure, and never a value."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Graph, kept_by
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.namespace import Namespace
from ansible_collections.rampart.k8s.plugins.module_utils._helm.payload import TYPE as RELEASE_TYPE
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, content, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import SecretClass
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.due import due_at

DAY = datetime.timedelta(days=1)


def is_counted(secret: Mapping[str, Any]) -> bool:
    """Say whether a Secret is somebody's: what rotations keep, and Helm its releases in, is not."""
    labels = secret["metadata"].get("labels") or {}
    return labels.get(names.ROLE) not in names.INTERNAL and secret.get("type") != RELEASE_TYPE


def entry(
    secret: Mapping[str, Any],
    space: Namespace,
    graph: Graph,
    known: Mapping[str, SecretClass],
    key: bytes,
    now: datetime.datetime,
) -> dict[str, Any]:
    """Describe one Secret."""
    metadata = secret["metadata"]
    said = metadata.get("annotations") or {}
    named = said.get(names.CLASS) or classes.BY_TYPE.get(str(secret.get("type")), "")
    found = known.get(named)
    born = classes.read(said.get(names.ROTATED_AT)) or classes.read(metadata.get("creationTimestamp"))
    due = due_at(born, found, content.of_secret(secret)) if born and found else None
    return {
        "namespace": space.name,
        "name": metadata["name"],
        "type": secret.get("type", "Opaque"),
        "managed": names.CLASS in said,
        "class": named,
        "sensitivity": found.sensitivity if found else "",
        "owner": said.get(names.OWNER, ""),
        "version_of": said.get(names.VERSION_OF, ""),
        "age_days": (now - born) // DAY if born else 0,
        "rotated_at": said.get(names.ROTATED_AT, ""),
        "rotation_reason": said.get(names.REASON, ""),
        "due_at": classes.written(due) if due else "",
        "overdue": bool(due and now >= due),
        "changed_outside": _changed_outside(secret, said, key),
        "kept_by": kept_by(space, secret),
        "consumers": [one.as_result() for one in graph.get(metadata["name"]) or []],
    }


def _changed_outside(secret: Mapping[str, Any], said: Mapping[str, str], key: bytes) -> bool:
    """Say whether the content is not the one that a rotation wrote; unknown counts as no."""
    try:
        noted = json.loads(said[names.FINGERPRINTS])
    except (KeyError, ValueError):
        return False
    return bool(key) and noted != content.prints_of(key, content.of_secret(secret))


def counts(entries: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count what matters."""
    return {
        "secrets": len(entries),
        "managed": sum(one["managed"] for one in entries),
        "unmanaged": sum(not one["managed"] for one in entries),
        "overdue": sum(one["overdue"] for one in entries),
        "unused": sum(not one["consumers"] for one in entries),
        "unclassed": sum(not one["class"] for one in entries),
        "changed_outside": sum(one["changed_outside"] for one in entries),
    }
