# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Decides what an EncryptionConfiguration becomes. Pure: keys come from the caller, nothing is read.

What stands in the file stays: no key is removed, replaced or moved, and no provider is changed.
Those steps need every API server to follow and every stored value to be rewritten in between;
they are a rotation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.model import (
    IDENTITY,
    KEYED,
    Configuration,
    Entry,
    Key,
    Provider,
    covers,
    entries_of,
)

ROTATE = "rotate instead: a rotation rewrites every stored value between its steps; nothing was changed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked for."""

    resources: tuple[str, ...]
    provider: str
    kms: dict[str, Any] = field(default_factory=dict)
    allow_plaintext_read: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The configuration that follows, and why; the same configuration when nothing is to do."""

    configuration: Configuration
    changed: bool
    reason: str


def decide(existing: Configuration | None, wanted: Wanted, make_key: Callable[[], Key]) -> Decision:
    """Return what the configuration becomes; raise RampartError for what only a rotation may do."""
    if existing is None:
        return _first(wanted, make_key)
    missing = [resource for resource in wanted.resources if not entries_of(existing, resource)]
    for resource in wanted.resources:
        if resource not in missing:
            _same_writer(entries_of(existing, resource)[0], resource, wanted)
    reasons = []
    result = existing
    if missing:
        result = _with_resources(result, missing, wanted, make_key)
        reasons.append(
            f"{', '.join(missing)} will be written encrypted; values that are already stored stay readable "
            "as plain text until they are rewritten"
        )
    if wanted.allow_plaintext_read:
        opened = _reading_plaintext(result, wanted)
        if opened != result:
            reasons.append("values stored before encryption are read as plain text, as asked")
        result = opened
    if not reasons:
        return Decision(existing, False, "the configuration encrypts all that was asked for; its keys stay")
    return Decision(result, True, "; ".join(reasons))


def _first(wanted: Wanted, make_key: Callable[[], Key]) -> Decision:
    providers = [_writer(wanted, make_key)]
    if wanted.allow_plaintext_read:
        providers.append(IDENTITY)
    configuration = Configuration((Entry(wanted.resources, tuple(providers)),))
    return Decision(configuration, True, f"no configuration exists; {', '.join(wanted.resources)} get one")


def _writer(wanted: Wanted, make_key: Callable[[], Key]) -> Provider:
    if wanted.provider in KEYED:
        return Provider(wanted.provider, (make_key(),))
    return Provider("kms", kms={"apiVersion": "v2", **wanted.kms})


def _same_writer(entry: Entry, resource: str, wanted: Wanted) -> None:
    """A new writing provider for stored data is a rotation, never a side effect of a run."""
    writer = entry.writer
    if writer.kind != wanted.provider:
        raise RampartError(
            f"{resource} is written by the provider {writer.shown()}, and {wanted.provider} was asked for. "
            "Changing the provider of live data in one step makes stored values unreadable.",
            next_step=ROTATE,
            resource=resource,
            provider=writer.kind,
        )
    asked = {"apiVersion": "v2", **wanted.kms}
    if writer.kind == "kms" and any(writer.kms.get(name) != value for name, value in asked.items()):
        raise RampartError(
            f"{resource} is written through the KMS provider {writer.kms.get('name')} with other settings "
            "than were asked for.",
            next_step=ROTATE,
            resource=resource,
            provider=writer.kind,
        )


def _with_resources(
    existing: Configuration, missing: list[str], wanted: Wanted, make_key: Callable[[], Key]
) -> Configuration:
    """Add resources so that what is stored of them stays readable: they may exist in plain text.

    They get an entry of their own with the keys in use and a last provider ``identity``; the
    entries before it do not change, so nothing else becomes readable as plain text.
    """
    same = [entry for entry in existing.entries if entry.writer.kind == wanted.provider]
    if not same:
        providers: tuple[Provider, ...] = (_writer(wanted, make_key), IDENTITY)
        return Configuration((*existing.entries, Entry(tuple(missing), providers)))
    model = same[0]
    if wanted.provider in KEYED:
        providers = (model.writer, IDENTITY)
        return Configuration((*existing.entries, Entry(tuple(missing), providers)))
    # A KMS provider stands once in a file, so its entry is the only place; that opens the entry.
    if not (wanted.allow_plaintext_read or model.reads_plaintext):
        raise RampartError(
            f"{', '.join(missing)} can only join the entry of the KMS provider "
            f"{model.writer.kms.get('name')}, and stored plain text of theirs would then be unreadable.",
            next_step="set allow_plaintext_read to true, rewrite the objects, then rotate to close it again",
        )
    joined = replace(model, resources=(*model.resources, *missing))
    return Configuration(tuple(joined if entry is model else entry for entry in existing.entries))


def _reading_plaintext(configuration: Configuration, wanted: Wanted) -> Configuration:
    """Append ``identity`` as the last provider where a wanted resource lacks it."""
    return Configuration(
        tuple(
            replace(entry, providers=(*entry.providers, IDENTITY))
            if not entry.reads_plaintext
            and any(covers(item, resource) for item in entry.resources for resource in wanted.resources)
            else entry
            for entry in configuration.entries
        )
    )
