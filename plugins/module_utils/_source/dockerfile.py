# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Which images a Dockerfile is made of, and whether each is named by its digest."""

from __future__ import annotations

import re
from collections.abc import Iterator

DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
SYNTAX = re.compile(r"^#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::[-+]([^}]*))?\}|(\w+))")
ARGUMENT = re.compile(r"^ARG\s+(\w+)(?:=(\S+))?", re.IGNORECASE)
FROM = re.compile(r"^FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
COPY_FROM = re.compile(r"^(?:COPY|ADD)\s+(?:--\S+\s+)*?--from=(\S+)", re.IGNORECASE)
MOUNT_FROM = re.compile(r"--mount=\S*?\bfrom=([^,\s]+)", re.IGNORECASE)


def instructions(text: str) -> Iterator[tuple[int, str]]:
    """Join continued lines and leave comments out."""
    start, parts = 0, []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if bare.startswith("#") or not bare:
            continue
        start = start or number
        if bare.endswith("\\"):
            parts.append(bare[:-1].strip())
            continue
        yield start, " ".join([*parts, bare])
        start, parts = 0, []
    if parts:
        yield start, " ".join(parts)


def violations(text: str, given: frozenset[str] = frozenset()) -> Iterator[str]:
    """Say which images are not named by their digest.

    ``given`` are arguments that the builder always gives, with a digest; a default of theirs still counts.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip().startswith("#"):
            break
        syntax = SYNTAX.match(line.strip())
        if syntax and not DIGEST.search(syntax[1]):
            yield f":{number}: the frontend {syntax[1]} is not named by its digest"
    defaults: dict[str, str] = {}
    stages: list[str] = []
    for number, instruction in instructions(text):
        argument = ARGUMENT.match(instruction)
        if argument and not stages:
            defaults[argument[1]] = (argument[2] or "").strip("\"'")
        base = FROM.match(instruction)
        if base:
            yield from _judge(number, base[1], defaults, stages, given)
            stages.append((base[2] or str(len(stages))).casefold())
            continue
        copied = COPY_FROM.match(instruction)
        for image in [*([copied[1]] if copied else []), *MOUNT_FROM.findall(instruction)]:
            if not image.isdecimal():
                yield from _judge(number, image, defaults, stages, given)


def _judge(
    number: int, written: str, defaults: dict[str, str], stages: list[str], given: frozenset[str]
) -> Iterator[str]:
    def value(found: re.Match[str]) -> str:
        return defaults.get(found[1] or found[3]) or found[2] or ""

    image = VARIABLE.sub(value, written)
    variable = VARIABLE.fullmatch(written)
    if variable and not image and (variable[1] or variable[3]) in given:
        return
    if image.casefold() in ("scratch", *stages):
        return
    if not DIGEST.search(image):
        shown = f"{written} ({image or 'empty'})" if image != written else written
        yield f":{number}: the image {shown} is not named by its digest"
