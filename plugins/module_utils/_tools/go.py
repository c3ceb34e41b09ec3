# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Builds tools from their pinned Go modules."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._tools import sums
from ansible_collections.rampart.k8s.plugins.module_utils._tools.entry import GoBuild, Tool, output_name
from ansible_collections.rampart.k8s.plugins.module_utils._tools.version import numbers

BUILD_TIMEOUT = 3600.0

# Where the official archive puts it; it is often not on root's PATH.
_USUAL = "/usr/local/go/bin/go"

# The user's own network and cache settings reach the build; everything else that could change
# its result (GOFLAGS, GOEXPERIMENT, GOAMD64, CGO_CFLAGS ...) does not.
_SETTINGS = (
    "GOAUTH", "GOCACHE", "GOCACHEPROG", "GOINSECURE", "GOMODCACHE", "GONOPROXY", "GONOSUMDB",
    "GOPATH", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB", "GOVCS", "GOTMPDIR",
)  # fmt: skip
_NETWORK = (
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC",
)  # fmt: skip


def wanted_version(go_mod: str) -> str:
    """Return the Go version that a go.mod asks for."""
    found = re.search(r"^go\s+(\d+\.\d+(?:\.\d+)?)", go_mod, re.MULTILINE)
    return found.group(1) if found else "1.21"


class Go:
    """The Go toolchain of this machine, asked once."""

    def __init__(self, modules: Path) -> None:
        self._modules = modules
        self.program = shutil.which("go") or (_USUAL if Path(_USUAL).exists() else "")
        self._settings: dict[str, str] | None = None
        self.version = ""
        if self.program:
            inherited = {name: os.environ[name] for name in (*_SETTINGS, *_NETWORK) if name in os.environ}
            asked = Cli(self.program, environment={**inherited, "GOTOOLCHAIN": "local"}, timeout=30).run(
                "env", "-json", "GOVERSION", *_SETTINGS, cwd="/"
            )
            said: dict[str, str] = asked.json()
            self.version = said.pop("GOVERSION").split(" ")[0]
            self._settings = {
                **{name: value for name, value in said.items() if value},
                **{name: os.environ[name] for name in _NETWORK if name in os.environ},
            }

    @property
    def cache_folders(self) -> tuple[Path, ...]:
        """The folders that a build fills."""
        settings = self._settings or {}
        return tuple(Path(settings[name]) for name in ("GOCACHE", "GOMODCACHE") if settings.get(name))

    def folder(self, build: GoBuild) -> Path:
        """Return the module's folder."""
        return self._modules / build.folder

    def recipe(self, tool: Tool, build: GoBuild, architecture: str) -> dict[str, Any]:
        """Return everything that decides the result, apart from the toolchain's version.

        The module's folder counts with the content of each of its files: go.mod and go.sum pin
        every dependency by its sum.
        """
        folder = self.folder(build)
        if not (folder / "go.mod").is_file() or not (folder / "go.sum").is_file():
            raise RampartError(
                f"The Go module of {tool.name} is not whole: {folder} needs go.mod and go.sum.",
                next_step="make them as docs/guides/add-a-tool.md says",
                path=str(folder),
            )
        files = {str(path.relative_to(folder)): sums.sha256_file(path)
                 for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip
        return {
            "kind": "go",
            "architecture": architecture,
            "packages": build.packages,
            "ldflags": build.ldflags,
            "tags": list(build.tags),
            "cgo": build.cgo,
            "experiment": build.experiment,
            "data": {place: [item.module, item.path] for place, item in (tool.data or {}).items()},
            "files": files,
        }

    def trouble(self, build: GoBuild) -> str:
        """Say why this toolchain cannot build a module, or return an empty string."""
        wanted = wanted_version((self.folder(build) / "go.mod").read_text(encoding="utf-8"))
        if not self.program:
            return f"no Go toolchain is here to build it (Go {wanted} or newer)"
        if numbers(self.version.removeprefix("go")) < numbers(wanted):
            return f"{self.version} is too old to build it (Go {wanted} or newer is needed)"
        if build.cgo and not (shutil.which("gcc") or shutil.which("cc")):
            return "no C compiler is here to build it"
        return ""

    def build(self, tool: Tool, build: GoBuild, work: Path, out: Path, *, lock: int) -> None:
        """Build a tool's programs and copy its data folders into ``out``.

        It works on a copy of the module, since an installed collection may be read-only, and
        with -mod=readonly: what is built is what go.mod and go.sum pin, or nothing.
        """
        source, built = work / "module", work / "built"
        shutil.copytree(self.folder(build), source)
        built.mkdir()
        environment: Mapping[str, str] = {
            **(self._settings or {}),
            "GOENV": "off",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "",
            "GOWORK": "off",
            "CGO_ENABLED": "1" if build.cgo else "0",
            "GOEXPERIMENT": build.experiment,
            # Compilers and linkers are short-lived: not collecting their garbage saves a quarter of a build.
            # Each is held below a share of what is set aside, but the largest one needs room.
            "GOGC": "off",
            "GOMEMLIMIT": f"{build.memory_mb * 3 // 4}MiB",
        }
        go = Cli(self.program, environment=environment, timeout=BUILD_TIMEOUT)

        def run(*arguments: str) -> str:
            try:
                return go.run(*arguments, cwd=str(source), pass_fds=(lock,)).stdout
            except RampartError as error:
                raise RampartError(
                    f"Could not build {tool.name} {tool.version}: {error.message}",
                    next_step=_advice(error.message),
                    tool=tool.name,
                    **error.details,
                ) from error

        run(
            "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
            "-ldflags", f"-s -w {build.ldflags}",
            *(["-tags", ",".join(build.tags)] if build.tags else []),
            "-o", f"{built}/", *build.packages.values(),
        )  # fmt: skip
        # Go checks a module's sum when it downloads it; this checks what lay in its cache since.
        run("mod", "verify")
        for place, package in build.packages.items():
            target = out / place
            target.parent.mkdir(parents=True, exist_ok=True)
            (built / output_name(package)).rename(target)
        for place, item in (tool.data or {}).items():
            module = run("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", item.module).strip()
            shutil.copytree(Path(module) / item.path, out / place, copy_function=_plain_copy)


def _plain_copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)


# What the toolchain says, and what helps.
_ADVICE = (
    (("no space left",), "free space for the Go caches (go clean -cache), then run again"),
    (
        ("updates to go.mod needed", "missing go.sum entry", "import lookup disabled"),
        "bring go.mod and go.sum of the module's folder up to date (docs/guides/add-a-tool.md)",
    ),
    (
        ("SECURITY ERROR", "checksum mismatch", "dir has been modified", "zip has been modified"),
        "do not use it: a dependency is not the one that was pinned; go clean -modcache, then run again",
    ),
    (
        ("dial tcp", "no such host", "Forbidden", "Bad Gateway", "module lookup disabled", "i/o timeout"),
        "check that the Go module proxy can be reached and serves this version, or set tools_mirror",
    ),
    (("signal: killed",), "give the machine more memory, or raise memory_mb of the entry; then run again"),
)


def _advice(message: str) -> str:
    for signs, advice in _ADVICE:
        if any(sign in message for sign in signs):
            return advice
    return (
        "look at what the compiler says; the entry, its module's folder and the toolchain must fit together"
    )
