# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes a Debian base and the images on it with debootstrap and docker, without any registry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli, proxies
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.plan import Plan
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.recipe import (
    LABEL,
    Base,
    Build,
    archive_key,
)
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import answers_at, docker
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.traces import mounts_below

# What apt leaves in a fresh system and no image needs.
LEAVINGS = ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*", "var/cache/apt/*.bin", "var/log/*.log")
LOG_TAIL = 15


@dataclass(slots=True)
class ImageOperation:
    """All images of a node, each made when its parts changed."""

    base: Base
    builds: Sequence[Build]
    docker_host: str
    work_dir: Path
    cache_dir: Path
    timeout: int
    progress: Progress
    check_mode: bool = False
    _missing: list[tuple[Build, str]] = field(default_factory=list)
    _base_missing: bool = False

    def plan(self) -> Plan:
        """Compare the keys with the daemon's images and with the archives."""
        present = self._present()
        # On an empty machine the tools that go into the images are not there yet either.
        keyed = [(build, build.key(self.base, may_lack=self.check_mode)) for build in self.builds]
        self._missing = [pair for pair in keyed if not self._is_there(*pair, present)]
        self._base_missing = bool(self._missing) and self.base.reference not in present
        names = [build.reference(key) for build, key in self._missing]
        wanted = [*([self.base.reference] if self._base_missing else []), *names]
        return Plan(
            changed=bool(wanted),
            reason=f"made from other parts, or not made yet: {', '.join(wanted)}"
            if wanted
            else "all are there",
            before={"images": sorted(present & {self.base.reference, *(b.reference(k) for b, k in keyed)})},
            after={"images": sorted({self.base.reference, *(build.reference(key) for build, key in keyed)})},
            result={"images": [build.reference(key) for build, key in keyed], "made": wanted},
        )

    def apply(self, plan: Plan) -> Plan:
        """Make what is missing. A killed run leaves a work folder, which the next one clears away."""
        self._clear()
        try:
            self.work_dir.mkdir(mode=0o700, parents=True)
            if self._base_missing:
                self._make_base()
            for build, key in self._missing:
                self._make(build, key)
        finally:
            self._clear()
        return plan

    def _present(self) -> set[str]:
        config = self.work_dir.parent
        if not answers_at(self.docker_host, config):
            return set()
        listing = docker(self.docker_host, config).run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
        return set(listing.stdout.split())

    def _is_there(self, build: Build, key: str, present: set[str]) -> bool:
        if build.archive:
            return archive_key(build.archive) == key
        return build.reference(key) in present

    def _make_base(self) -> None:
        """Import the base; debootstrap runs only when no archive of it was kept."""
        if not self._kept.is_file():
            self._bootstrap()
        client = docker(self.docker_host, self.work_dir.parent, timeout=self.timeout)
        client.run("import", str(self._kept), self.base.reference)

    @property
    def _kept(self) -> Path:
        return self.cache_dir / f"debian-{self.base.key}.tar"

    def _bootstrap(self) -> None:
        if os.geteuid() != 0:
            raise RampartError(
                "Making the base of minikube's node image needs root: debootstrap sets up a whole system.",
                next_step="run as root, or name an image that is there in cluster_minikube_base_image",
            )
        root = self.work_dir / "root"
        self.progress.say(f"making Debian {self.base.suite} with debootstrap (about two minutes)")
        environment = {**proxies(), "DEBIAN_FRONTEND": "noninteractive"}
        tool = Cli("debootstrap", environment=environment, timeout=self.timeout)
        include = f"--include={','.join(self.base.packages)}"
        arguments = ["--variant=minbase", include, self.base.suite, str(root)]
        done = tool.run(*arguments, *([self.base.mirror] if self.base.mirror else []), accept=range(256))
        if done.rc != 0:
            raise RampartError(
                f"debootstrap could not make Debian {self.base.suite} (code {done.rc}): "
                f"{(done.stderr.strip() or done.stdout.strip())[-400:] or 'it printed nothing'}",
                next_step="check that the Debian mirror is reachable (cluster_minikube_debian_mirror)",
                rc=done.rc,
                log_tail=self._bootstrap_log(root),
            )
        for pattern in LEAVINGS:
            for path in root.glob(pattern):
                path.unlink()
        self.cache_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The name says that it is whole, so it gets it last.
        packed = self._kept.with_suffix(".part")
        Cli("tar", timeout=self.timeout).run(
            "--create", f"--file={packed}", "--one-file-system", "--numeric-owner", f"--directory={root}", "."
        )
        packed.replace(self._kept)

    def _bootstrap_log(self, root: Path) -> list[str]:
        try:
            text = (root / "debootstrap" / "debootstrap.log").read_text(errors="replace")
        except OSError:
            return []
        return text.splitlines()[-LOG_TAIL:]

    def _make(self, build: Build, key: str) -> None:
        reference = build.reference(key)
        self.progress.say(f"building {reference}")
        context = self.work_dir / "context"
        for place, source in build.context.items():
            target = context / place
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(os.path.realpath(source), target)
            except OSError:
                shutil.copy2(source, target)
        client = docker(self.docker_host, self.work_dir.parent, timeout=self.timeout)
        arguments = {"BASE": self.base.reference, **build.arguments}
        done = client.run(
            "build",
            "--quiet",
            "--network=none",
            f"--file={build.dockerfile}",
            f"--tag={reference}",
            f"--label={LABEL}={key}",
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            str(context),
            accept=range(256),
        )
        if done.rc != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "it printed nothing").splitlines()
            raise RampartError(
                f"docker could not build {reference} from {build.dockerfile.name}: {said[-1]}",
                next_step="look at the last steps in log_tail; the next run builds it again",
                rc=done.rc,
                log_tail=said[-LOG_TAIL:],
            )
        shutil.rmtree(context)
        if build.archive:
            self._save(client, reference, build.archive)

    def _save(self, client: Cli, reference: str, archive: Path) -> None:
        archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # docker writes beside its target and renames, so that a half archive never has this name.
        client.run("save", f"--output={archive}", reference)
        client.run("image", "rm", "--force", reference)

    def _clear(self) -> None:
        """Remove the work folder; what a killed debootstrap left mounted in it is unmounted first."""
        for point in mounts_below([self.work_dir], Path("/proc/self/mounts").read_text()):
            Cli("umount").run("--lazy", point)
        if self.work_dir.exists():
            shutil.rmtree(self.work_dir)
