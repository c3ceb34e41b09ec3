# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks git, and believes nothing that the repository says about how it is to be judged."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._source.rules import Commit

FIELD, RECORD, ITEM = "\x1f", "\x1e", "\x1d"

# Replaced objects, grafts and settings of others would let git show another history than it sends.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}

TRAILERS = ("Reviewed-by", "Approved-by")
LARGEST_FILE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Signers:
    """Whose signatures count."""

    # Lines as in ssh-keygen's ALLOWED SIGNERS: principals, options, key.
    ssh: tuple[str, ...] = ()
    # Armoured OpenPGP keys.
    gpg: tuple[str, ...] = ()


class Git:
    """One repository."""

    def __init__(self, program: str, gpg: str, folder: Path, *, timeout: float) -> None:
        self._program = program
        self._gpg = gpg
        self._folder = folder
        self._timeout = timeout

    def _ask(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: str | None = None,
        accept: Sequence[int] = (0,),
    ) -> tuple[int, str]:
        configured = [part for key, value in (settings or {}).items() for part in ("-c", f"{key}={value}")]
        cli = Cli(self._program, environment={**ENVIRONMENT, **(environment or {})}, timeout=self._timeout)
        done = cli.run("-C", str(self._folder), *configured, *arguments, stdin=stdin, accept=accept)
        return done.rc, done.stdout

    def resolve(self, name: str) -> str:
        """Return the commit that a name means."""
        if name.startswith("-"):
            raise RampartError(
                f"{name!r} does not name a commit.", next_step="name a branch, a tag or a commit"
            )
        code, found = self._ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", accept=(0, 1, 128))
        if code:
            raise RampartError(
                f"{self._folder} has no commit {name!r}.",
                next_step="fetch it, or correct the name",
                path=str(self._folder),
            )
        return found.strip()

    def is_ancestor(self, old: str, new: str) -> bool:
        return self._ask("merge-base", "--is-ancestor", old, new, accept=(0, 1))[0] == 0

    def shallow(self) -> bool:
        return self._ask("rev-parse", "--is-shallow-repository")[1].strip() == "true"

    def last_change(self, paths: Sequence[str]) -> tuple[str, int]:
        """Return the last commit that touched any of the paths, and its time."""
        told = self._ask("log", "-1", "--no-show-signature", "--format=%H %ct", "HEAD", "--", *paths)[
            1
        ].split()
        if len(told) != 2:
            raise RampartError(
                f"No commit of {self._folder} holds {', '.join(paths)}.",
                next_step="commit it, or correct the paths",
                path=str(self._folder),
            )
        return told[0], int(told[1])

    def changed(self, paths: Sequence[str] = ()) -> bool:
        """Whether anything differs from HEAD, files that git does not know included."""
        told = self._ask("status", "--porcelain", "--untracked-files=all", "--", *paths)[1]
        return bool(told.strip())

    def uncommitted(self) -> str:
        """Name by a sum what differs from HEAD, files that git does not know included; empty when nothing."""
        difference = self._ask("diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--no-color")[1]
        listed = self._ask("ls-files", "--others", "--exclude-standard", "-z")[1]
        unknown = [name for name in listed.split("\0") if name]
        if not difference and not unknown:
            return ""
        names = "\n".join(unknown)
        sums = self._ask("hash-object", "--no-filters", "--stdin-paths", stdin=names)[1] if unknown else ""
        return hashlib.sha256(f"{difference}\0{listed}\0{sums}".encode(errors="replace")).hexdigest()

    def tags(self, commit: str) -> list[str]:
        """Return the tags that a commit contains."""
        return self._ask("tag", "--list", "--merged", commit, "--no-column")[1].split()

    def count(self, since: str, until: str) -> int:
        """Count the commits between two, or all up to one."""
        spread = [until, f"^refs/tags/{since}"] if since else [until]
        return int(self._ask("rev-list", "--count", *spread, "--")[1])

    def commits(self, since: str, until: str, signers: Signers) -> list[Commit]:
        """Return the commits between two, oldest first, with git's verdict on their signatures."""
        trailers = "".join(f"%(trailers:key={key},valueonly,separator=%x1d)%x1d" for key in TRAILERS)
        layout = f"%H%x1f%P%x1f%ae%x1f%ce%x1f%G?%x1f%GS%x1f%s%x1f{trailers}"
        spread = [until, f"^{since}"] if since else [until]
        with self._trust(signers) as (settings, environment):
            _code, listing = self._ask(
                "log",
                "--reverse",
                "--no-show-signature",
                "--no-mailmap",
                f"--format={layout}%x1e",
                *spread,
                "--",
                settings=settings,
                environment=environment,
            )
        return [_commit(record) for record in listing.split(RECORD) if record.strip()]

    @contextmanager
    def _trust(self, signers: Signers) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
        """Yield settings by which git knows these signers and no others."""
        with tempfile.TemporaryDirectory(prefix="rampart-") as work:
            allowed, home = Path(work) / "allowed_signers", Path(work) / "gnupg"
            allowed.write_text("".join(f"{line}\n" for line in signers.ssh))
            home.mkdir(mode=0o700)
            # Whose key is in this ring is trusted; nobody else's is.
            (home / "gpg.conf").write_text("trust-model always\nno-auto-key-retrieve\nno-auto-key-locate\n")
            if signers.gpg:
                cli = Cli(self._gpg, environment={"GNUPGHOME": str(home)}, timeout=self._timeout)
                cli.run("--batch", "--quiet", "--import", stdin="\n".join(signers.gpg))
            settings = {
                "gpg.program": self._gpg,
                "gpg.openpgp.program": self._gpg,
                "gpg.x509.program": "false",
                "gpg.ssh.program": "ssh-keygen",
                "gpg.ssh.allowedSignersFile": str(allowed),
                "gpg.ssh.revocationFile": "",
                "gpg.minTrustLevel": "undefined",
                "core.fsmonitor": "false",
                "core.hooksPath": os.devnull,
            }
            yield settings, {"GNUPGHOME": str(home)}

    def files(self, commit: str) -> list[str]:
        """List the files of a commit."""
        return [
            name for name in self._ask("ls-tree", "-r", "-z", "--name-only", commit)[1].split("\0") if name
        ]

    def content(self, commit: str, name: str) -> str:
        """Return a file as it is in a commit."""
        size = int(self._ask("cat-file", "-s", f"{commit}:{name}")[1])
        if size > LARGEST_FILE:
            raise RampartError(
                f"{name} in {self._folder} has {size} bytes, which is too much for a list of dependencies.",
                next_step="look at it by hand",
                path=name,
            )
        return self._ask("cat-file", "blob", f"{commit}:{name}")[1]


def _commit(record: str) -> Commit:
    identity, parents, author, committer, signature, signer, subject, reviews = record.strip("\n").split(
        FIELD
    )
    return Commit(
        identity,
        tuple(parents.split()),
        author,
        committer,
        signature,
        signer,
        subject,
        tuple(each.strip() for each in reviews.split(ITEM) if each.strip()),
    )
