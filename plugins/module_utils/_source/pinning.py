# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Whether every dependency of a project is one exact thing: a version with its digest, not a name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath

from ansible_collections.rampart.k8s.plugins.module_utils._source import dockerfile

Read = Callable[[str], str]

PINNED = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?\s*===?\s*[A-Za-z0-9][A-Za-z0-9.+!_-]*\s*(?:;.*)?$"
)
HASH = re.compile(r"--hash[= ]\s*sha(?:256|384|512):[0-9a-f]+")
OTHER_INDEX = re.compile(r"--(?:extra-)?index-url|--find-links|-i\s|-f\s|--trusted-host")
GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?(\S+)\s+(v\S+)(?:\s+//.*)?$")
LOCKS = ("package-lock.json", "npm-shrinkwrap.json")

KINDS: Mapping[str, tuple[str, ...]] = {
    "python": ("requirements*.txt", "*-requirements.txt"),
    "npm": ("package.json",),
    "go": ("go.mod",),
    "docker": ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "Containerfile"),
}


def kind_of(path: str) -> str:
    """Say which kind of list of dependencies a file is; empty when it is none."""
    name = PurePosixPath(path).name
    for kind, patterns in KINDS.items():
        if any(fnmatch(name, pattern) for pattern in patterns):
            return kind
    return ""


def violations(
    path: str, names: frozenset[str], read: Read, *, hashes: bool, given: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Say what in a list of dependencies is not pinned."""
    kind = kind_of(path)
    if kind == "python":
        found = python(read(path), hashes=hashes)
    elif kind == "npm":
        found = npm(path, names, read)
    elif kind == "go":
        found = go(path, names, read)
    else:
        found = dockerfile.violations(read(path), given)
    yield from (f"{path}{sentence}" for sentence in found)


def python(text: str, *, hashes: bool) -> Iterator[str]:
    """Judge a requirements file."""
    for number, line in _logical(text):
        requirement = re.sub(r"\s#.*$", "", line).strip()
        if not requirement or requirement.startswith("#"):
            continue
        if OTHER_INDEX.match(requirement):
            yield f":{number}: names another index, from which any name could be served"
        elif requirement.startswith(("-r", "-c", "--requirement", "--constraint", "--require-hashes")):
            continue
        elif (
            requirement.startswith("-")
            or "://" in requirement.partition("--hash")[0]
            or "@" in (requirement.partition(";")[0].partition("--hash")[0])
        ):
            yield f":{number}: {requirement.split()[0]} is not a version of a package"
        elif not PINNED.match(HASH.sub("", requirement).strip()):
            yield f":{number}: {requirement.split()[0]} is not pinned with =="
        elif hashes and not HASH.search(requirement):
            yield f":{number}: {requirement.split()[0]} has no hash"


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Join the lines that end with a backslash."""
    start, parts = 0, []
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield start, " ".join([*parts, line])
        start, parts = 0, []
    if parts:
        yield start, " ".join(parts)


def npm(path: str, names: frozenset[str], read: Read) -> Iterator[str]:
    """Judge a package of npm by its lock."""
    folder = PurePosixPath(path).parent
    lock = next((str(folder / name) for name in LOCKS if str(folder / name) in names), None)
    try:
        package = json.loads(read(path))
        content = json.loads(read(lock)) if lock else {}
    except ValueError as error:
        yield f": it or its lock is not JSON ({error})"
        return
    wanted = {*(package.get("dependencies") or {}), *(package.get("devDependencies") or {})}
    if lock is None:
        if wanted:
            yield f": it has {len(wanted)} dependencies and no {LOCKS[0]}"
        return
    packages = content.get("packages")
    if not isinstance(packages, dict):
        yield f": {lock} is of version {content.get('lockfileVersion')}, which does not list every package"
        return
    for name in sorted(wanted):
        if f"node_modules/{name}" not in packages:
            yield f": {name} is not in {lock}"
    for place, entry in sorted(packages.items()):
        if place == "" or entry.get("link") or entry.get("inBundle"):
            continue
        if not entry.get("integrity"):
            yield f": {place} has no integrity in {lock}"
        elif not str(entry.get("resolved") or "").startswith("https://"):
            yield f": {place} comes from {entry.get('resolved') or 'nowhere'} in {lock}"


def go(path: str, names: frozenset[str], read: Read) -> Iterator[str]:
    """Judge a module of Go by its sums."""
    required: dict[str, str] = {}
    replaced: dict[str, str] = {}
    block = ""
    for line in read(path).splitlines():
        words = line.split("//")[0].split()
        if not words:
            continue
        if words[-1] == "(":
            block = words[0]
        elif words[0] == ")":
            block = ""
        elif "=>" in words and (block == "replace" or words[0] == "replace"):
            left, right = line.split("=>")
            target = right.split("//")[0].split()
            replaced[left.removeprefix("replace").split()[0]] = target[1] if len(target) > 1 else ""
            if len(target) > 1:
                required[target[0]] = target[1]
        elif (block == "require" or words[0] == "require") and (found := GO_REQUIRE.match(line)):
            required[found[1]] = found[2]
    remote = {name: version for name, version in required.items() if name not in replaced}
    if not remote:
        return
    sums = str(PurePosixPath(path).parent / "go.sum")
    if sums not in names:
        yield f": it requires {len(remote)} modules and has no go.sum"
        return
    known = {tuple(line.split()[:2]) for line in read(sums).splitlines() if line.strip()}
    for name, version in sorted(remote.items()):
        # A module whose packages are not used has the sum of its go.mod only.
        if (name, version) not in known and (name, f"{version}/go.mod") not in known:
            yield f": {name} {version} has no sum in {sums}"
