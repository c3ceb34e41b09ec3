# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Finds out which packages an image needs: what was asked for, and what that depends on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# The grammar of Debian's policy, 5.6.1.
NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
ALTERNATIVE = re.compile(r"\s*([a-z0-9][a-z0-9+.-]+)")
FIELD = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t].*)*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Package:
    """A package of one version, as the signed index of its suite describes it."""

    name: str
    version: str
    sha256: str
    # Each entry is a list of alternatives, any of which will do.
    depends: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()

    def data(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


Look = Callable[[Sequence[str]], Mapping[str, Package]]


def fields(stanza: str) -> dict[str, str]:
    """Read one paragraph of a control file."""
    return {match[1]: match[2].strip() for match in FIELD.finditer(stanza)}


def _names(text: str, separator: str) -> Iterator[str]:
    for part in text.split(separator):
        if found := ALTERNATIVE.match(part):
            yield found[1]


def parse(text: str) -> dict[str, Package]:
    """Read what apt-cache show prints."""
    found: dict[str, Package] = {}
    for stanza in text.split("\n\n"):
        data = fields(stanza)
        if not {"Package", "Version", "SHA256"} <= data.keys():
            continue
        groups = [
            tuple(_names(group, "|"))
            for key in ("Pre-Depends", "Depends")
            for group in data.get(key, "").split(",")
            if group.strip()
        ]
        package = Package(
            data["Package"],
            data["Version"],
            data["SHA256"],
            tuple(groups),
            tuple(_names(data.get("Provides", ""), ",")),
        )
        found.setdefault(package.name, package)
    return found


def check_names(names: Sequence[str]) -> None:
    """Refuse what would be an option or two packages for apt."""
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        raise RampartError(
            f"{', '.join(map(repr, wrong))} cannot be the name of a Debian package.",
            next_step="give one name per entry",
        )


def closure(wanted: Sequence[str], without: Sequence[str], look: Look) -> list[Package]:
    """Return the packages and all that they depend on, sorted; what ``without`` names is not followed."""
    left_out = frozenset(without)
    chosen: dict[str, Package] = {}
    provided: set[str] = set()
    missing: list[tuple[str, ...]] = [(name,) for name in dict.fromkeys(wanted)]
    while missing:
        found = look(sorted({name for group in missing for name in group}))
        new: list[Package] = []
        for group in missing:
            if any(name in chosen or name in provided for name in group):
                continue
            package = next((found[name] for name in group if name in found), None)
            if package is None:
                raise RampartError(
                    f"No Debian package is called {' or '.join(group)}.",
                    next_step="correct the name, name the package that provides it, or list it in without",
                )
            chosen[package.name] = package
            provided.update(package.provides)
            new.append(package)
        missing = [
            group
            for package in new
            for group in package.depends
            if not any(name in chosen or name in provided or name in left_out for name in group)
        ]
    return [chosen[name] for name in sorted(chosen)]
