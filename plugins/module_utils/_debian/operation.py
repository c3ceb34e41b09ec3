# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes base images from Debian packages, each only when its packages or its recipe changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._debian.apt import Apt, needed
from ansible_collections.rampart.k8s.plugins.module_utils._debian.resolve import Package, check_names
from ansible_collections.rampart.k8s.plugins.module_utils._debian.rootfs import Account, Rootfs, complete
from ansible_collections.rampart.k8s.plugins.module_utils._images.layout_writer import (
    Content,
    Layer,
    replace_folder,
    workshop,
    write,
)
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import ordered
from ansible_collections.rampart.k8s.plugins.module_utils._oci.descriptor import KEY, NAMED
from ansible_collections.rampart.k8s.plugins.module_utils._oci.layout import present

# What this file makes of the same packages; to be raised when that changes.
EDITION = 1
# Every base says what it is made of: without os-release no scanner can tell whose packages these are, and
# looks up none of them. Its awk serves scripts that are not run.
IDENTITY, NOT_RUN = "base-files", "awk"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One base as it should be."""

    name: str
    packages: tuple[str, ...]
    without: tuple[str, ...]
    remove: tuple[str, ...]
    accounts: tuple[Account, ...]
    user: str
    environment: Mapping[str, str]
    layout: Path

    def key(self, packages: Sequence[Package]) -> str:
        """Name everything that decides what the image becomes."""
        accounts = [[account.name, account.number, account.home] for account in self.accounts]
        words = [
            EDITION,
            [package.data() for package in packages],
            sorted(self.remove),
            accounts,
            self.user,
            sorted(self.environment.items()),
        ]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """One base: its packages, and why it has to be made."""

    recipe: Recipe
    packages: tuple[Package, ...]
    key: str
    reason: str
    digest: str

    def entry(self) -> dict[str, Any]:
        return {
            "name": self.recipe.name,
            "layout": str(self.recipe.layout),
            "digest": self.digest,
            "packages": [package.data() for package in self.packages],
            "reason": self.reason or "it is as it should be",
        }


@dataclass(slots=True)
class ImageBase:
    """All bases of one task."""

    recipes: Sequence[Recipe]
    apt: Apt
    architecture: str
    max_age_hours: float
    progress: Progress
    check_mode: bool = False
    _steps: list[Step] = field(default_factory=list)

    def plan(self) -> Plan:
        """Find out what the newest packages are, and compare their key with what is there."""
        for recipe in self.recipes:
            check_names([*recipe.packages, *recipe.without])
        if missing := needed():
            if not self.check_mode:
                raise RampartError(
                    f"{' and '.join(missing)} of Debian's apt is not on this machine.",
                    next_step="run on a Debian or Ubuntu, or name a base image of a registry by its digest",
                )
            return Plan(True, f"would be made once {missing[0]} is there", result={"bases": []})
        self.apt.refresh(self.max_age_hours)
        self._steps = [self._decide(recipe) for recipe in self.recipes]
        changed = [step for step in self._steps if step.reason]
        return Plan(
            bool(changed),
            "; ".join(f"{step.recipe.name}: {step.reason}" for step in changed) or "all are there",
            before={step.recipe.name: step.digest or "absent" for step in changed},
            after={step.recipe.name: f"{len(step.packages)} packages" for step in changed},
            result={"bases": [step.entry() for step in self._steps]},
        )

    def apply(self, plan: Plan) -> Plan:
        """Make what is missing, and say what it became."""
        done = [self._make(step) if step.reason else step for step in self._steps]
        return Plan(
            plan.changed,
            plan.reason,
            plan.before,
            {step.recipe.name: step.digest for step in done if step.reason},
            {"bases": [step.entry() for step in done]},
        )

    def _decide(self, recipe: Recipe) -> Step:
        packages = tuple(self.apt.resolve((IDENTITY, *recipe.packages), (NOT_RUN, *recipe.without)))
        key = recipe.key(packages)
        found = present(recipe.layout)
        if found is None:
            return Step(recipe, packages, key, "it is not there, or not whole", "")
        reason = "" if found.annotations.get(KEY) == key else "its recipe or the newest packages changed"
        return Step(recipe, packages, key, reason, found.digest)

    def _make(self, step: Step) -> Step:
        recipe = step.recipe
        self.progress.say(f"making the base {recipe.name} from {len(step.packages)} Debian packages")
        files = self.apt.files(step.packages)
        target = recipe.layout
        with workshop(target) as work:
            contents = work / "contents"
            contents.mkdir()
            rootfs = Rootfs(contents, recipe.remove)
            for file in files:
                rootfs.unpack(file)
            complete(rootfs, recipe.accounts)
            made = work / "layout"
            names = " ".join(package.name for package in step.packages)
            content = Content(
                [Layer(ordered(recipe.name, rootfs.entries.values()), f"packages: {names}")],
                self.architecture,
                {
                    "User": recipe.user,
                    "WorkingDir": "/",
                    "Env": [f"{name}={value}" for name, value in sorted(recipe.environment.items())],
                },
            )
            written = write(content, made, {NAMED: recipe.name, KEY: step.key})
            replace_folder(made, target)
        return Step(recipe, step.packages, step.key, step.reason, written.manifest.digest)
