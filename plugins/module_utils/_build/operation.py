# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Builds images, each only when something that decides about it changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._build import docker, parse
from ansible_collections.rampart.k8s.plugins.module_utils._build.buildkit import BuildKit, Programs
from ansible_collections.rampart.k8s.plugins.module_utils._build.context import stage
from ansible_collections.rampart.k8s.plugins.module_utils._build.recipe import PREFIX, Recipe
from ansible_collections.rampart.k8s.plugins.module_utils._build.tags import Tags
from ansible_collections.rampart.k8s.plugins.module_utils._build.wheels import fetch
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import replace_folder, workshop
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import (
    KEY,
    NAMED,
    NAMED_IN_FULL,
    Descriptor,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import Layout, present

BUILD, RETAG = "built", "tagged"

# Build here; or lay out for another builder, and take over what it saved.
WHOLE, STAGE, FINISH = "whole", "stage", "finish"
ARCHIVE = "image.tar"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one image, and why."""

    recipe: Recipe
    key: str
    found: Descriptor | None
    action: str = ""
    reason: str = "it is as it should be"
    staged: Mapping[str, Any] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        recipe, found = self.recipe, self.found
        layers = Layout(recipe.layout).document(found)["layers"] if found else []
        return {
            "name": recipe.name,
            "tag": recipe.tag,
            "reference": recipe.reference,
            "layout": str(recipe.layout),
            "digest": found.digest if found else "",
            "size": sum(layer["size"] for layer in layers),
            "layers": len(layers),
            "revision": recipe.origin.revision,
            "action": self.action or "unchanged",
            "reason": self.reason,
            **({"staged": dict(self.staged)} if self.staged else {}),
        }


@dataclass(slots=True)
class ImageBuild:
    """All images of one task."""

    given: Sequence[Mapping[str, Any]]
    repository: str | None
    source: str
    exclude: list[str]
    programs: Programs
    builder: BuildKit
    tags: Tags
    cache: Path
    parallel: int
    progress: Progress
    step: str = WHOLE
    stage_dir: Path | None = None
    check_mode: bool = False
    _steps: list[Step] = field(default_factory=list)

    def plan(self) -> Plan:
        """Compare the key of each image with the one that it was built with."""
        if self.step == WHOLE and (missing := self.programs.missing()):
            return self._would(f"{', '.join(missing)} is there", "a program of BuildKit is not installed")
        self.tags.load()
        # Which engine builds is not asked: it may not be up when nothing has to be built.
        version = f"buildkit {self.builder.version()}" if self.step == WHOLE else "docker"
        try:
            recipes = [
                parse.recipe(item, self.repository, self.source, self.exclude) for item in self.given
            ]
        except parse.AbsentError as error:
            return self._would(f"the base {error} is there", f"the base {error} is not there, or not whole")
        self._steps = [self._decide(recipe, recipe.key(version)) for recipe in recipes]
        changed = [step for step in self._steps if step.action and (self.step, step.action) != (STAGE, RETAG)]
        return Plan(
            bool(changed),
            "; ".join(f"{step.recipe.reference}: {step.reason}" for step in changed)
            or "everything is as it should be",
            before={step.recipe.name: step.found.digest if step.found else "absent" for step in changed},
            after={step.recipe.name: f"{step.action}: {step.recipe.tag}" for step in changed},
            result={"images": [step.entry() for step in self._steps]},
        )

    def _would(self, once: str, why: str) -> Plan:
        if not self.check_mode:
            raise RampartError(
                f"Nothing can be built: {why}.",
                next_step="let the role rampart.k8s.tools install tools_for_building, and "
                "rampart.k8s.image_base make the bases",
            )
        return Plan(True, f"would be built once {once}", result={"images": []})

    def apply(self, plan: Plan) -> Plan:
        """Build what changed, and put each image in place when it is whole."""
        building = [step for step in self._steps if step.action == BUILD]
        done = {}
        if self.step == STAGE:
            done = {step.recipe.name: self._stage(step) for step in building}
        elif self.step == FINISH:
            done = {step.recipe.name: self._take_over(step) for step in building}
        if self.step != STAGE:
            done |= {step.recipe.name: self._retag(step) for step in self._steps if step.action == RETAG}
        if building and self.step == WHOLE:
            with self.builder.running(), ThreadPoolExecutor(self.parallel) as pool:
                done |= {step.recipe.name: step for step in pool.map(self._build, building)}
        # One after the other: they are kept in one list.
        steps = [done.get(step.recipe.name, step) for step in self._steps]
        return replace(
            plan,
            after={
                step.recipe.name: step.found.digest for step in steps if step.action and step.found
            },
            result={"images": [step.entry() for step in steps]},
        )

    def _decide(self, recipe: Recipe, key: str) -> Step:
        found = present(recipe.layout)
        if found is None:
            return Step(recipe, key, None, BUILD, "it is not there, or not whole")
        if found.annotations.get(KEY) != key:
            return Step(recipe, key, found, BUILD, "what it is built from changed")
        self.tags.check(recipe.name, recipe.tag, found.digest)
        if found.annotations.get(NAMED) != recipe.tag:
            return Step(recipe, key, found, RETAG, "it has another version and the same content")
        return Step(recipe, key, found)

    def _build(self, step: Step) -> Step:
        recipe = step.recipe
        self.progress.say(f"building {recipe.reference}")
        with workshop(recipe.layout) as work:
            context, made = work / "context", work / "made"
            self._lay_out(recipe, context)
            self.builder.build(recipe, context, made)
            return self._finish(step, made)

    def _lay_out(self, recipe: Recipe, context: Path) -> None:
        context.mkdir()
        wheels = fetch(recipe.wheels, self.cache) if recipe.wheels else {}
        stage({**recipe.files, **wheels}, context, recipe.origin.epoch)

    def _folder(self, recipe: Recipe) -> Path:
        if self.stage_dir is None:
            raise RampartError("There is no folder to stage in.", next_step="give stage_dir")
        return self.stage_dir / recipe.layout.name

    def _stage(self, step: Step) -> Step:
        """Lay out what another builder needs."""
        recipe, folder = step.recipe, self._folder(step.recipe)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        self._lay_out(recipe, folder / "context")
        archives, names = docker.bases(recipe, folder)
        staged = {
            "context": str(folder / "context"),
            "dockerfile": str(recipe.dockerfile),
            "bases": archives,
            "arguments": {**recipe.arguments, **names},
            "labels": recipe.described(),
            "target": recipe.target,
            "network": recipe.network,
            "archive": str(folder / ARCHIVE),
        }
        return replace(step, staged=staged)

    def _take_over(self, step: Step) -> Step:
        """Take over what another builder saved."""
        recipe, folder = step.recipe, self._folder(step.recipe)
        archive = folder / ARCHIVE
        if not archive.is_file():
            raise RampartError(
                f"{archive} is not there, so {recipe.reference} was not built.",
                next_step="let the builder save the image there, between the steps stage and finish",
                path=str(archive),
            )
        with workshop(recipe.layout) as work:
            made = work / "made"
            docker.convert(recipe, archive, made)
            done = self._finish(step, made)
        shutil.rmtree(folder, ignore_errors=True)
        return done

    def _finish(self, step: Step, made: Path) -> Step:
        recipe = step.recipe
        built = present(made)
        if built is None:
            raise RampartError(
                f"The builder ended well and left no whole image of {recipe.reference}.",
                next_step="look for space on the disk, then run again",
            )
        self.tags.give(recipe.name, recipe.tag, built.digest)
        if step.found is not None and step.found.digest == built.digest:
            # What is attached to it, such as its signatures, stays.
            return replace(self._name(step, built, recipe.layout), reason=f"{step.reason}, its content did not")
        done = self._name(step, built, made)
        shutil.rmtree(made / "ingest", ignore_errors=True)
        replace_folder(made, recipe.layout)
        return done

    def _retag(self, step: Step) -> Step:
        found = step.found
        if found is None:
            raise AssertionError
        self.tags.give(step.recipe.name, step.recipe.tag, found.digest)
        return self._name(step, found, step.recipe.layout)

    def _name(self, step: Step, image: Descriptor, folder: Path) -> Step:
        recipe = step.recipe
        Layout(folder).annotate(
            image.digest,
            {
                NAMED: recipe.tag,
                KEY: step.key,
                f"{PREFIX}.version": recipe.tag,
                NAMED_IN_FULL: recipe.reference,
            },
        )
        return replace(step, found=replace(image, annotations={NAMED: recipe.tag, KEY: step.key}))
