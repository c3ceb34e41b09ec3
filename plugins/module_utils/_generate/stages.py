# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What a secret holds while a rotation goes from all-old to all-new.

Most values simply change. Some must be known everywhere before anybody uses them: a public key has to be
published before tokens are signed with the private one, an authority has to be trusted before
certificates of it are shown. So a rotation has three stages, and a value has a fate in each:

==========  =================  =================  ===========
fate        introduce          activate           retire
==========  =================  =================  ===========
plain       new                new                new
waits       old                new                new
key set     old and new        old and new        new
shared set  old and new        new and old        new
bundle      old and new        old and new        new
==========  =================  =================  ===========

A stage in which nothing of a secret changes costs nothing: with plain values alone there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ansible_collections.rampart.k8s.plugins.module_utils._generate import certificates, key_sets


class Stage(StrEnum):
    """A step between all-old and all-new; the content of each is accepted together with that of the next."""

    OLD = "old"
    INTRODUCE = "introduce"
    ACTIVATE = "activate"
    RETIRE = "retire"


# In which a new value comes into use; what is left after them is only to be taken away.
FORWARD = (Stage.INTRODUCE, Stage.ACTIVATE)


class Fate(StrEnum):
    """How a value goes from old to new."""

    PLAIN = "plain"
    WAITS = "waits"
    KEY_SET = "key_set"
    SHARED_SET = "shared_set"
    BUNDLE = "bundle"


def value_at(fate: Fate, stage: Stage, old: bytes, new: bytes, where: str) -> bytes:
    """Return one value in a stage."""
    if stage is Stage.OLD:
        return old
    if stage is Stage.RETIRE or fate is Fate.PLAIN:
        return new
    if fate is Fate.WAITS:
        return old if stage is Stage.INTRODUCE else new
    if fate is Fate.BUNDLE:
        return certificates.united(old, new)
    new_first = fate is Fate.SHARED_SET and stage is Stage.ACTIVATE
    return key_sets.united(*((new, old) if new_first else (old, new)), where)


def content_at(
    fates: Mapping[str, Fate],
    stage: Stage,
    old: Mapping[str, bytes] | None,
    new: Mapping[str, bytes],
    where: str,
) -> dict[str, bytes]:
    """Return the whole content in a stage; entries that nobody declared stay as they are."""
    if old is None:
        return dict(new)
    if stage is Stage.OLD:
        return dict(old)
    made = {key: value for key, value in old.items() if key not in fates}
    for key, value in new.items():
        if key in fates and key in old:
            made[key] = value_at(fates[key], stage, old[key], value, f"{key} of {where}")
        else:
            made[key] = value
    return made
