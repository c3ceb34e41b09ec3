# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Picks one image of those that a packing offers; what could be several is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.rampart.k8s.plugins.module_utils._oci.documents import index_of, listed
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import Members
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import in_full


@dataclass(frozen=True, slots=True)
class Choice:
    """Which image is meant; what is empty leaves it open."""

    # A tag, or a whole name.
    name: str = ""
    # Of an index, of a manifest or, for an archive of docker, of a configuration.
    digest: str = ""
    # As in linux/arm64; of several platforms one has to be said.
    platform: str = ""

    @property
    def meant(self) -> str:
        """Name it for a person."""
        return " ".join(filter(None, (self.name, self.digest, self.platform)))

    def names(self, said: str) -> bool:
        """Say whether a name is the one that is meant; a tag by itself stands for every name with it."""
        if _is_tag(said) or _is_tag(self.name):
            return said.rpartition(":")[2] == self.name.rpartition(":")[2]
        return in_full(said) == in_full(self.name)


def _is_tag(name: str) -> bool:
    return ":" not in name and "/" not in name


def fits(entry: Descriptor, platform: str) -> bool:
    """Say whether an entry is for a platform; one that asks for no variant takes any."""
    return f"{entry.platform_name}/".startswith(f"{platform}/")


def resolve(members: Members, choice: Choice) -> Descriptor:
    """Return what a name or a digest means in an OCI layout."""
    offered = listed(members, index_of(members))
    found = [
        entry
        for entry in offered
        if choice.digest in ("", entry.digest)
        and (not choice.name or any(choice.names(name) for name in entry.names))
    ]
    return one_of(members, found, offered, choice)


def one_of(
    members: Members, found: Sequence[Descriptor], offered: Sequence[Descriptor], choice: Choice
) -> Descriptor:
    """Return the only one, if need be by its platform."""
    left = list(found)
    if len({entry.digest for entry in left}) > 1 and choice.platform:
        left = [entry for entry in left if fits(entry, choice.platform)]
    if len({entry.digest for entry in left}) == 1:
        return left[0]
    shown = {" ".join(filter(None, (entry.digest, *entry.names, entry.platform_name))) for entry in offered}
    count = f"several images {choice.meant}" if left else f"no image {choice.meant}"
    raise RampartError(
        f"{members.place} holds {count.strip()}; it offers {', '.join(sorted(shown)) or 'nothing'}.",
        next_step="name one of them by its tag, its digest or its platform",
        offered=sorted(shown),
    )
