# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Reads what syft writes, and refuses what is no whole bill of materials of the image that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._sbom.licences import Component

# An operating system is named but is no package, and neither is a file.
NO_PACKAGES = frozenset({"operating-system", "file"})


def _broken(image: str, form: str, why: str) -> RampartError:
    return RampartError(
        f"syft gave no {form} bill of materials of {image}: {why}.",
        next_step="run syft by hand on the image and look at what it prints",
        image=image,
    )


def read_json(raw: bytes, image: str, form: str) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except ValueError as error:
        raise _broken(image, form, f"{len(raw)} bytes that are not whole JSON") from error
    if not isinstance(data, dict):
        raise _broken(image, form, "it is not an object")
    return data


def cyclonedx(raw: bytes, image: str, digest: str) -> list[Component]:
    """Return the packages of a CycloneDX document; it must be about this digest."""
    data = read_json(raw, image, "CycloneDX")
    if data.get("bomFormat") != "CycloneDX":
        raise _broken(image, "CycloneDX", "it does not say that it is one")
    about = str(((data.get("metadata") or {}).get("component") or {}).get("version") or "")
    if about != digest:
        raise _broken(image, "CycloneDX", f"it is about {about or 'nothing'} and not about {digest}")
    return [
        Component(str(entry.get("name", "")), str(entry.get("version", "")), _licences(entry))
        for entry in data.get("components") or []
        if entry.get("type") not in NO_PACKAGES
    ]


def _licences(entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for each in entry.get("licenses") or []:
        licence = each.get("license") or {}
        text = each.get("expression") or licence.get("id") or licence.get("name")
        if text:
            found.append(str(text))
    return tuple(dict.fromkeys(found))


def spdx(raw: bytes, image: str, digest: str) -> int:
    """Count the packages of an SPDX document, without the image itself; it must be about this digest."""
    data = read_json(raw, image, "SPDX")
    if not str(data.get("spdxVersion") or "").startswith("SPDX-2."):
        raise _broken(image, "SPDX", "it does not say that it is one")
    packages = data.get("packages") or []
    roots = {
        each.get("relatedSpdxElement")
        for each in data.get("relationships") or []
        if each.get("relationshipType") == "DESCRIBES"
    }
    about = [each for each in packages if each.get("SPDXID") in roots]
    if not any(each.get("versionInfo") == digest for each in about):
        raise _broken(image, "SPDX", f"it is not about {digest}")
    return len(packages) - len(about)
