# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Whether a secret has to be made anew, and why. Pure: from what is declared and what is observed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._generate import certificates, texts
from ansible_collections.rampart.k8s.plugins.module_utils._generate.make import given
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import classes, content, names
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.classes import SecretClass
from ansible_collections.rampart.k8s.plugins.module_utils._secrets.definition import Definition, Key

MISSING, DUE, ALL = "missing", "due", "all"
SCOPES = (DUE, MISSING, ALL)

# A certificate is replaced when so much of its life is over, as cert-manager does it.
RENEW_AFTER = 2 / 3


@dataclass(frozen=True, slots=True)
class Observed:
    """A declared secret as it is now."""

    definition: Definition
    secret_class: SecretClass
    # The live Secret; of a versioned one the newest version that is in use.
    live: Mapping[str, Any] | None = None

    @property
    def content(self) -> dict[str, bytes]:
        """What is in it."""
        return content.of_secret(self.live) if self.live else {}

    @property
    def object_name(self) -> str:
        """The name of the Secret that holds it, or will."""
        return str(self.live["metadata"]["name"]) if self.live else self.definition.name

    @property
    def annotations(self) -> Mapping[str, str]:
        """What is said about it."""
        return ((self.live or {}).get("metadata") or {}).get("annotations") or {}

    @property
    def born(self) -> datetime.datetime | None:
        """Since when its content is what it is: when it was rotated last, or created."""
        metadata = (self.live or {}).get("metadata") or {}
        rotated = classes.read(self.annotations.get(names.ROTATED_AT))
        return rotated or classes.read(metadata.get("creationTimestamp"))

    @property
    def due_at(self) -> datetime.datetime | None:
        """When it has to be made anew by its age; never for what follows from others."""
        if self.born is None or self.definition.is_derived:
            return None
        return due_at(self.born, self.secret_class, self.content)


def due_at(
    born: datetime.datetime, secret_class: SecretClass, held: Mapping[str, bytes]
) -> datetime.datetime:
    """Return when a content has become too old: by its class, and a certificate by its own life."""
    by_class = born + datetime.timedelta(days=secret_class.max_age_days)
    life = certificates.life(held.get(certificates.CERTIFICATE, b""))
    if life is None:
        return by_class
    return min(by_class, (life[0] + RENEW_AFTER * (life[1] - life[0])).replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to happen with a secret."""

    observed: Observed = field(repr=False)
    is_due: bool
    reason: str

    @property
    def definition(self) -> Definition:
        """What is declared."""
        return self.observed.definition


def decide(
    observed: Observed, *, scope: str, now: datetime.datetime, rotation: str = "", cause: str = ""
) -> Decision:
    """Decide about one secret by itself; what it follows from may still take it along."""
    reason = _why(observed, scope, now, rotation, cause)
    return Decision(observed, bool(reason), reason or _why_not(observed, now))


def _why(observed: Observed, scope: str, now: datetime.datetime, rotation: str, cause: str) -> str:
    definition = observed.definition
    if observed.live is None:
        return "it does not exist"
    lacking = [name for name in definition.outputs if name not in observed.content]
    if lacking:
        return f"it lacks {', '.join(lacking)}"
    if scope == MISSING:
        return ""
    if rotation and observed.annotations.get(names.ROTATION_ID) == rotation:
        return ""
    changed = _changed(observed)
    if changed:
        return changed
    if not definition.made_by_age:
        return ""
    if scope == ALL:
        return f"all are asked for ({cause})"
    due = observed.due_at
    if due is not None and now >= due:
        return f"it is due since {classes.written(due)}"
    return ""


def _why_not(observed: Observed, now: datetime.datetime) -> str:
    due = observed.due_at
    if due is None:
        return "it follows from others"
    is_late = now >= due and not observed.definition.made_by_age
    when = f"it is due {'since' if is_late else 'at'} {classes.written(due)}"
    if observed.definition.made_by_age:
        return when
    return f"its value is given and has not changed; {when}" + (", give another one" if is_late else "")


def _changed(observed: Observed) -> str:
    """Say what the declaration wants otherwise than it is, for what can be told without making it."""
    held = observed.content
    for key in observed.definition.keys:
        if _differs(key, held):
            return f"{key.name} is not what is declared"
    return ""


def _differs(key: Key, held: Mapping[str, bytes]) -> bool:
    match key.generator:
        case "constant":
            return held[key.name] != str(key.options["text"]).encode()
        case "value":
            value = given(key)
            return value is not None and value != held[key.name]
        case "docker_config":
            value = given(key)
            known = texts.docker_password(held[key.name], key.options["registry"])
            return known is None or (value is not None and value != known)
        case "template":
            return held[key.name] != texts.fill(key.options["text"], held, key.name)
        case "tls":
            wanted = certificates.wanted(key.options, key.name)
            return not certificates.fits(held[certificates.CERTIFICATE], wanted)
    return False
