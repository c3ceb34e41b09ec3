# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Judges whether an image is as small as was agreed: its unpacked size and the number of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.record import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._gate.outcome import Gate, Outcome
from ansible_collections.rampart.k8s.plugins.module_utils._oci.choosing import Choice
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layers import Limits, Meter, unpacked
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import present
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import FolderMembers
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import Layer, PackedImage, open_image
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reference import Place, parse

GATE = "image_budget"
MEGABYTE = 1024 * 1024


class ImageBudget:
    """All images of one task."""

    def __init__(self, parameters: Mapping[str, Any], *, check_mode: bool) -> None:
        self._parameters = parameters
        self._check_mode = check_mode

    def plan(self) -> Plan:
        """Measure; nothing is changed."""
        images = self._parameters["images"]
        if self._check_mode:
            absent = [each["image"] for each in images if present(parse(each["image"]).path) is None]
            if absent:
                return Plan(
                    False,
                    f"would be judged once there is {', '.join(absent)}",
                    result={"passed": False, "violations": [], "images": [], "evidence": []},
                )
        gate = Gate.of(
            GATE,
            self._parameters,
            check_mode=self._check_mode,
            policy={each["image"]: [each["max_size_mb"], each["max_layers"]] for each in images},
            tools={},
            next_step="leave out what the program does not need, or agree on a larger budget",
        )
        judged = [_judge(each) for each in images]
        return gate.conclude(
            [outcome for outcome, _data in judged], images=[data for _outcome, data in judged]
        )

    def apply(self, plan: Plan) -> Plan:
        """Nothing is left to be applied."""
        return plan


def _judge(given: Mapping[str, Any]) -> tuple[Outcome, dict[str, Any]]:
    reference = parse(given["image"])
    if reference.place is not Place.LAYOUT:
        raise RampartError(
            f"{given['image']} is not an OCI layout.", next_step="write oci:/FOLDER, as the image was built"
        )
    image = open_image(FolderMembers(reference.path), Choice(reference.tag, reference.digest))
    layers = image.layers
    meter = Meter(str(reference.path), Limits())
    size = sum(_size(image, layer, meter) for layer in layers)
    violations = []
    if given["max_size_mb"] and size > given["max_size_mb"] * MEGABYTE:
        violations.append(f"it has {size / MEGABYTE:.1f} MB, the budget is {given['max_size_mb']} MB")
    if given["max_layers"] and len(layers) > given["max_layers"]:
        violations.append(f"it has {len(layers)} layers, the budget is {given['max_layers']}")
    data = {"image": given["image"], "digest": image.digest, "size": size, "layers": len(layers)}
    summary = {"size": size, "layers": len(layers)}
    return Outcome(Subject("image", given["image"], image.digest), violations, summary=summary), data


def _size(image: PackedImage, layer: Layer, meter: Meter) -> int:
    """Return how large a layer is on a node; one that is not compressed is that already."""
    if layer.blob is not None and layer.blob.digest == layer.diff_id:
        return layer.blob.size
    return sum(map(len, unpacked(image.members, layer, meter)))
