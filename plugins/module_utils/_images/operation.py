# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Assembles images and brings them to where they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import leftovers, write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._images import archive
from ansible_collections.rampart.k8s.plugins.module_utils._images.layer import (
    Digests,
    MissingSourceError,
    measured_layer,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import (
    Image,
    architecture,
    describe,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Recipe, check, layout
from ansible_collections.rampart.k8s.plugins.module_utils._registry.client import (
    Address,
    NotUpError,
    Registry,
)

# Hashing and sending release the interpreter; more than this only makes the disk seek.
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one image, and why."""

    recipe: Recipe
    image: Image | None
    found: str = ""
    push: str = ""
    write: str = ""

    @property
    def changes(self) -> bool:
        return bool(self.push or self.write)

    @property
    def reason(self) -> str:
        return "; ".join(dict.fromkeys(filter(None, (self.push, self.write)))) or "it is as it should be"

    @property
    def digest(self) -> str:
        return self.image.digest if self.image else ""

    def entry(self, address: Address | None) -> dict[str, Any]:
        image = self.image
        return {
            "name": self.recipe.name,
            "tag": self.recipe.tag,
            "reference": f"{address.authority}/{self.recipe.reference}" if address else self.recipe.reference,
            "digest": self.digest,
            "config_digest": image.config_blob.digest if image else "",
            "size": image.size if image else 0,
            "action": "unchanged" if not self.changes else "replaced" if self.found else "created",
            "reason": self.reason,
        }


@dataclass(slots=True)
class ImageAssemble:
    """All images of one task."""

    recipes: Sequence[Recipe]
    address: Address | None
    digests: Digests
    epoch: int = 0
    _steps: list[Step] = field(default_factory=list, init=False)

    def plan(self) -> Plan:
        """Compose every image and compare it with what is there."""
        check(self.recipes, registry=self.address is not None)
        self.digests.load()
        with ThreadPoolExecutor(WORKERS) as pool:
            self._steps = list(pool.map(self._decide, self.recipes))
        self.digests.save()
        changed = [step for step in self._steps if step.changes]
        return Plan(
            changed=bool(changed),
            reason="; ".join(f"{step.recipe.reference}: {step.reason}" for step in changed)
            or "everything is as it should be",
            before={step.recipe.reference: step.found or "absent" for step in changed},
            after={
                step.recipe.reference: step.image.digest if step.image else "not known yet"
                for step in changed
            },
            result={"images": [step.entry(self.address) for step in self._steps]},
        )

    def apply(self, plan: Plan) -> Plan:
        """Push and write what is missing, several images at once."""
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._perform, [step for step in self._steps if step.changes]))
        return plan

    def _compose(self, recipe: Recipe) -> Image:
        layer = self.digests.layer(layout(recipe), self.epoch)
        return describe(recipe, layer, epoch=self.epoch, go_architecture=architecture())

    def _decide(self, recipe: Recipe) -> Step:
        try:
            image = self._compose(recipe)
        except MissingSourceError as error:
            # In check mode on an empty machine it is yet to be made; a real run refuses.
            return Step(recipe, None, push=f"its file {error} does not exist yet")
        found, push = self._push_reason(image)
        write, swept = "", False
        if recipe.archive is not None:
            write = archive.reason(recipe.archive, image)
            swept = bool(leftovers(recipe.archive))
        if swept and not write:
            write = "a killed run left a part of its archive"
        if recipe.archive is not None and not found and write != "its archive does not exist":
            found = "another archive"
        return Step(recipe, image, found, push, write)

    def _push_reason(self, image: Image) -> tuple[str, str]:
        if self.address is None:
            return "", ""
        name, tag = image.recipe.name, image.recipe.tag
        try:
            with Registry(self.address) as registry:
                found = registry.tagged(name, tag)
                if not found:
                    return "", "the registry has no such tag"
                if found != image.digest:
                    return found, "its tag names another image"
                if not all(registry.has(name, blob) for blob in (image.config_blob, image.layer)):
                    return found, "the registry lacks a part of it"
                return found, ""
        except NotUpError:
            return "", "the registry is not up yet"

    def _perform(self, step: Step) -> None:
        recipe, image = step.recipe, step.image
        if image is None:
            raise RampartError(
                f"The image {recipe.reference} cannot be made: {step.reason}.",
                next_step="make the file first (role rampart.k8s.tools does), or correct its path",
                image=recipe.reference,
            )
        if step.push and self.address is not None:
            self._push(image, self.address)
        if step.write and recipe.archive is not None:
            for leftover in leftovers(recipe.archive):
                leftover.unlink(missing_ok=True)
            recipe.archive.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            write_atomic(
                recipe.archive,
                archive.stream(image, measured_layer(layout(recipe), self.epoch, image.layer), self.epoch),
                mode=0o644,
            )

    def _push(self, image: Image, address: Address) -> None:
        name, tag = image.recipe.name, image.recipe.tag
        try:
            with Registry(address) as registry:
                if not registry.has(name, image.layer):
                    registry.push_blob(
                        name, image.layer, measured_layer(layout(image.recipe), self.epoch, image.layer)
                    )
                if not registry.has(name, image.config_blob):
                    registry.push_blob(name, image.config_blob, (image.config,))
                registry.push_manifest(name, tag, image.manifest)
                stored = registry.read_manifest(name, tag)
        except NotUpError as error:
            raise RampartError(
                f"Nobody listens at {error}, where {image.recipe.reference} should be pushed to.",
                next_step="start the registry, or correct its address",
                image=image.recipe.reference,
            ) from error
        if stored != image.digest:
            raise RampartError(
                f"The registry gives {stored} for {image.recipe.reference}, but {image.digest} was pushed.",
                next_step="look who else writes to the registry, then run again",
                image=image.recipe.reference,
            )
