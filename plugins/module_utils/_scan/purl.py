# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Package URLs: scanners spell the same package differently, and here they agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

_SHAPE = re.compile(r"pkg:([A-Za-z0-9.+-]+)/([^?#]+)(?:\?([^#]*))?(?:#.*)?")

# Registries that do not tell these spellings apart.
_CASELESS = frozenset({"pypi", "npm", "composer", "github", "deb", "apk", "nuget", "golang"})


@dataclass(frozen=True, slots=True, order=True)
class Purl:
    """What identifies a package. Its architecture and its distribution belong to the image."""

    type: str
    name: str
    version: str

    def __str__(self) -> str:
        version = f"@{quote(self.version, safe='+~:')}" if self.version else ""
        return f"pkg:{self.type}/{quote(self.name, safe='/')}{version}"

    def covers(self, other: Purl) -> bool:
        """Whether a pattern with or without a version means the other."""
        return (self.type, self.name) == (other.type, other.name) and self.version in ("", other.version)


def parse(text: str) -> Purl | None:
    """Read a package URL; None when it is none."""
    match = _SHAPE.fullmatch(text.strip())
    if not match:
        return None
    kind, path, qualifiers = match.group(1).lower(), match.group(2), match.group(3) or ""
    # The version begins at the last @; a scope's own @ is spelled %40 or stands at the front.
    head, at, version = path.rpartition("@")
    if not at or not head or head.endswith("/"):
        head, version = path, ""
    epoch = dict(parse_qsl(qualifiers)).get("epoch", "")
    return normal(kind, unquote(head.strip("/")), unquote(version), epoch)


def normal(kind: str, name: str, version: str, epoch: str = "") -> Purl:
    """Bring name and version to the one spelling."""
    if kind in _CASELESS:
        name = name.lower()
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name)
    if kind == "golang":
        # The standard library is stdlib@1.26.8 to one scanner and stdlib@v1.26.8 or go1.26.8 to others.
        version = re.sub(r"^(?:v|go)(?=\d)", "", version)
    # Debian's and Red Hat's epoch stands before the version or in a qualifier; 0 means none.
    if epoch not in ("", "0") and not version.startswith(f"{epoch}:"):
        version = f"{epoch}:{version}"
    return Purl(kind, name, version.removeprefix("0:"))
