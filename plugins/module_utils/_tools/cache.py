# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The cache: one folder for each finished artifact, with a manifest of every file in it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import Tool
from ansible_collections.rampart.k8s.plugins.module_utils._tools.memory import Memory, require_private

MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"


def recipe_key(recipe: Mapping[str, Any]) -> str:
    """Return the short name of everything that decides the content of an artifact."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished, verified folder of one tool."""

    folder: Path
    origin: str
    sums: dict[str, str]

    def files(self, tool: Tool) -> dict[str, str]:
        """Return where each place of the tool is."""
        return {place: str(self.folder / place) for place in tool.places}


class Cache:
    """The folder of artifacts."""

    def __init__(self, root: Path, memory: Memory) -> None:
        require_private(root)
        self.root = root
        self._memory = memory

    def folder(self, tool: Tool, kind: str, recipe: Mapping[str, Any]) -> Path:
        """Return where an artifact of this kind and recipe belongs."""
        return self.root / f"{tool.name}-{tool.version}-{kind}-{recipe_key(recipe)}"

    def find(self, tool: Tool, kind: str, recipe: Mapping[str, Any] | None = None) -> Path | None:
        """Return the folder of a finished artifact, by its recipe or by its kind alone."""
        tail = recipe_key(recipe) if recipe is not None else "*"
        found = [path for path in self.root.glob(f"{tool.name}-{tool.version}-{kind}-{tail}")
                 if path.is_dir()]  # fmt: skip
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def open(self, folder: Path, tool: Tool) -> Artifact:
        """Verify an artifact and return it.

        Raises RampartError naming the file and both sums when its bytes are not those that were
        put there, and naming the file when one is missing, was added or is a link.
        """
        manifest = self._manifest(folder)
        expected: dict[str, str] = manifest["files"]
        wrong = None
        present = {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if not path.is_dir() or path.is_symlink()
        }
        for name in sorted(present | expected.keys()):
            path = folder / name
            if name == MANIFEST:
                continue
            if name in present and (path.is_symlink() or not path.is_file()):
                wrong = f"{path} is not a plain file"
            elif name not in expected:
                wrong = f"{path} was added to it"
            elif name not in present:
                wrong = f"{path} is missing"
            if wrong:
                raise self._tampered(folder, wrong)
            actual = self._memory.sha256(path)
            if actual != expected[name]:
                raise self._tampered(
                    folder,
                    f"{path} should have the sha256 {expected[name]} and has {actual}",
                    expected_sha256=expected[name],
                    actual_sha256=actual,
                )
        lacking = [place for place in tool.places if not (folder / place).exists()]
        if lacking:
            raise self._tampered(folder, f"it lacks {', '.join(lacking)}")
        return Artifact(folder, str(manifest["origin"]), {place: expected[place] for place in tool.provides})

    def _manifest(self, folder: Path) -> dict[str, Any]:
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            if (
                isinstance(manifest["origin"], str)
                and all(isinstance(item, str) for item in manifest["files"].values())
                and folder.name.endswith(recipe_key(manifest["recipe"]))
            ):
                return dict(manifest)
            raise ValueError("it is not that of this folder")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._tampered(folder, f"its manifest cannot be used ({error})") from error

    def _tampered(self, folder: Path, why: str, **details: str) -> RampartError:
        return RampartError(
            f"The cached artifact {folder.name} was changed after it was made: {why}. It is not used.",
            next_step=f"find out what changed it; then clear it (rm -r {folder}) and run again",
            path=str(folder),
            **details,
        )

    def commit(self, unfinished: Path, final: Path, origin: str, recipe: Mapping[str, Any]) -> None:
        """Turn a filled folder into a finished artifact, in one step.

        The files are on the disk before the name exists: after a crash an artifact is whole or
        not there.
        """
        files = {}
        for path in sorted(unfinished.rglob("*")):
            if path.is_dir():
                continue
            with path.open("rb") as stream:
                files[str(path.relative_to(unfinished))] = hashlib.file_digest(stream, "sha256").hexdigest()
                os.fchmod(stream.fileno(), 0o555 if path.stat().st_mode & 0o100 else 0o444)
                os.fsync(stream.fileno())
        manifest = {"origin": origin, "recipe": recipe, "files": files}
        with (unfinished / MANIFEST).open("w", encoding="utf-8") as out:
            json.dump(manifest, out, indent=1, sort_keys=True)
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(final)

    @contextmanager
    def unfinished(self, tool: Tool) -> Iterator[Path]:
        """Give a folder to fill; what is not committed is removed, now or by the next run.

        Only for the holder of the tool's lock, since it sweeps what killed runs left.
        """
        self._remove_unfinished(tool)
        folder = self.root / f"{_UNFINISHED}{tool.name}.{secrets.token_hex(6)}"
        folder.mkdir(mode=0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _remove_unfinished(self, tool: Tool) -> None:
        for leftover in self.root.glob(f"{_UNFINISHED}{tool.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def sweep(self, tool: Tool) -> None:
        """Remove what a run left that was killed right after it had finished an artifact.

        A run that is still at work keeps its folder: it holds the lock.
        """
        if not any(self.root.glob(f"{_UNFINISHED}{tool.name}.*")):
            return
        with self._lock_file(tool) as handle, contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._remove_unfinished(tool)

    @contextmanager
    def _lock_file(self, tool: Tool) -> Iterator[int]:
        handle = os.open(self.root / f".lock-{tool.name}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def lock(self, tool: Tool, waits: Callable[[str], None]) -> Iterator[int]:
        """Hold the lock of one tool; yield its descriptor, to be handed to children.

        The kernel frees it with its last holder. A compiler that outlives a killed run still
        holds it, so the next run waits instead of compiling beside it.
        """
        with self._lock_file(tool) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(handle, 32, 0).decode(errors="replace").strip() or "unknown"
                waits(f"{tool.name}: waits for the run (process {holder}) that is getting it already")
                fcntl.flock(handle, fcntl.LOCK_EX)
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield handle
