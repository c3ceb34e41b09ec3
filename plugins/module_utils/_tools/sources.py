# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gets one artifact into the cache: from a mirror, from an official release, or by building it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import archive
from ansible_collections.rampart.k8s.plugins.module_utils._tools.cache import Artifact, Cache
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import Answer, Decision
from ansible_collections.rampart.k8s.plugins.module_utils._tools.download import Downloader
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool
from ansible_collections.rampart.k8s.plugins.module_utils._tools.go import Go
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory
from ansible_collections.rampart.k8s.plugins.module_utils._tools.mirror import Mirror
from ansible_collections.rampart.k8s.plugins.module_utils._tools.system import require_versions

# A download or a mirror's archive needs little memory; it takes a slot, not a share.
UNPACK_MEMORY_MB = 100


@dataclass(slots=True)
class Sources:
    """Everything that the probes and the fetchers of one run share."""

    cache: Cache
    memory: Memory
    go: Go
    mirror: Mirror | None
    architecture: str
    say: Callable[[str], None]

    # -- probes: what a source says about a tool; they only read --------------------------------

    def cached(self, tool: Tool) -> Answer:
        """Look for a finished artifact; the kinds in the order of the sources they came from."""
        folder = self._cached_folder(tool)
        if folder is None:
            return Answer(False, "not in the cache")
        artifact = self.cache.open(folder, tool)
        return Answer(
            True, f"in the cache, from {artifact.origin}", artifact.files(tool), artifact.sums, artifact
        )

    def _cached_folder(self, tool: Tool) -> Path | None:
        found = self.cache.find(tool, "mirror")
        if not found and tool.release:
            found = self.cache.find(tool, "release", self._release_recipe(tool))
        if not found and tool.go:
            # Without a toolchain on this machine an artifact of any toolchain serves.
            found = self.cache.find(tool, self.go.version or "go*", self._go_recipe(tool))
        return found

    def mirrored(self, tool: Tool) -> Answer:
        """Look into the mirror's list."""
        if self.mirror is None:
            return Answer(False, "no tools_mirror is set")
        name = Mirror.archive_name(tool, self.architecture)
        if name not in self.mirror.sums():
            return Answer(False, f"the mirror does not list {name}")
        return Answer(True, f"the mirror lists {name}", handle=name)

    def released(self, tool: Tool) -> Answer:
        """Ask whether the official release can be reached."""
        if not tool.release:
            return Answer(False, f"no official release is listed for {self.architecture}")
        for file in tool.release:
            trouble = Downloader().trouble(file.url)
            if trouble:
                return Answer(False, f"the official release cannot be had: {trouble}")
        return Answer(True, f"the official release: {', '.join(file.url for file in tool.release)}")

    def built(self, tool: Tool) -> Answer:
        """Ask whether the toolchain can build it."""
        if tool.go is None:
            return Answer(False, "it cannot be built here")
        trouble = self.go.trouble(tool.go)
        if trouble:
            return Answer(False, trouble)
        return Answer(True, f"a build of the module {tool.go.folder} with {self.go.version}")

    # -- fetchers: they fill the cache ----------------------------------------------------------

    def fetch(self, decision: Decision) -> Artifact:
        """Get the artifact that was decided on, unless another run has got it meanwhile."""
        tool = decision.tool
        with self.cache.lock(tool, self.say) as lock:
            meanwhile = self.cached(tool)
            if meanwhile.usable:
                artifact: Artifact = meanwhile.handle
                return artifact
            self.say(f"{tool.name} {tool.version}: {decision.answer.note}")
            with self.cache.unfinished(tool) as work:
                out = work / "artifact"
                out.mkdir()
                kind, origin, recipe = self._fill(decision, work, out, lock)
                lacking = [place for place in tool.places if not (out / place).exists()]
                if lacking:
                    raise RampartError(
                        f"What was got for {tool.name} {tool.version} lacks {', '.join(lacking)}.",
                        next_step="correct its entry in the tool list",
                        tool=tool.name,
                    )
                require_versions(tool, {place: str(out / place) for place in tool.provides}, self.memory)
                final = self.cache.folder(tool, kind, recipe)
                self.cache.commit(out, final, origin, recipe)
            self.say(f"{tool.name} {tool.version}: done")
            return self.cache.open(final, tool)

    def _fill(self, decision: Decision, work: Path, out: Path, lock: int) -> tuple[str, str, dict[str, Any]]:
        tool = decision.tool
        if decision.source == "mirror":
            return self._from_mirror(tool, decision.answer.handle, work, out)
        if decision.source == "release":
            for number, file in enumerate(tool.release):
                arrived = work / f"download-{number}"
                Downloader().fetch(file.url, arrived, file.sha256)
                if file.members:
                    archive.take(arrived, file.members, out)
                else:
                    target = out / file.place
                    target.parent.mkdir(parents=True, exist_ok=True)
                    arrived.rename(target)
                    target.chmod(0o755)
            return "release", tool.release[0].url, self._release_recipe(tool)
        if tool.go is None:
            raise RampartError(f"{tool.name} has no Go module to build.")
        recipe = self._go_recipe(tool)
        self.go.build(tool, tool.go, work, out, lock=lock)
        return self.go.version, f"Go module {tool.go.folder}", recipe

    def _from_mirror(self, tool: Tool, name: str, work: Path, out: Path) -> tuple[str, str, dict[str, Any]]:
        if self.mirror is None:
            raise RampartError("No tools mirror is set.")
        arrived = work / name
        self.mirror.fetch(name, arrived)
        archive.unpack_mirrored(arrived, tool.provides, tuple(tool.data or {}), out)
        recipe = {"kind": "mirror", "sha256": self.mirror.sums()[name], "provides": list(tool.places)}
        return "mirror", f"the tools mirror ({name})", recipe

    def _release_recipe(self, tool: Tool) -> dict[str, Any]:
        return {
            "kind": "release",
            "files": [[file.url, file.sha256, file.members, file.place] for file in tool.release],
        }

    def _go_recipe(self, tool: Tool) -> dict[str, Any]:
        if tool.go is None:
            raise RampartError(f"{tool.name} has no Go module to build.")
        return self.go.recipe(tool, tool.go, self.architecture)


def require_space(folders: tuple[Path, ...], needed_mb: int) -> None:
    """Stop before a build that cannot end well on a full disk."""
    by_device: dict[int, Path] = {}
    for folder in folders:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        by_device.setdefault(os.stat(existing).st_dev, existing)
    for existing in by_device.values():
        free_mb = shutil.disk_usage(existing).free // 1024**2
        if free_mb < needed_mb:
            raise RampartError(
                f"Getting the missing tools needs about {needed_mb} MB below {existing}; "
                f"{free_mb} MB are free.",
                next_step="free space, or choose another tools_cache_dir (and GOCACHE), then run again",
                path=str(existing),
                needed_mb=needed_mb,
                free_mb=free_mb,
            )
