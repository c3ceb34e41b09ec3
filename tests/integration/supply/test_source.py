# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""source_verify with the real git, ssh-keygen and gpg."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support.modules import call

DIGEST = "sha256:" + "0" * 64


class Clone:
    """A repository whose commits are signed by a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repo"
        self.folder.mkdir(parents=True)
        self.key = folder / "id"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key)], check=True
        )
        self.signers = [f"dev@example.com {self.key.with_suffix('.pub').read_text().strip()}"]
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        who = {
            "GIT_AUTHOR_NAME": "Dev",
            "GIT_AUTHOR_EMAIL": "dev@example.com",
            "GIT_COMMITTER_NAME": "Dev",
            "GIT_COMMITTER_EMAIL": "dev@example.com",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **(environment or {}),
        }
        settings = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={self.key}"]
        done = subprocess.run(
            ["git", "-C", str(self.folder), *(settings if environment is None else []), *arguments],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **who},
        )
        return done.stdout.strip()

    def commit(self, *files: tuple[str, str], message: str = "work", sign: bool = True) -> str:
        for name, content in files:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(content)
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-S" if sign else "--no-gpg-sign", "-m", message)
        return self.git("rev-parse", "HEAD")

    def verify(self, **options: Any) -> dict[str, Any]:
        repository = {"path": str(self.folder)}
        for key in ("ref", "since"):
            if key in options:
                repository[key] = options.pop(key)
        return call("source_verify", {"repositories": [repository], "ssh_signers": self.signers, **options})


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path)
    made.commit(("README", "begin\n"))
    return made


def test_signed_commits_pass_and_leave_evidence(clone: Clone, tmp_path: Path) -> None:
    clone.commit(("a", "a\n"))
    answer = clone.verify(evidence_dir=str(tmp_path / "evidence"))
    assert answer["passed"]
    assert answer["repositories"][0]["commits"] == 2
    (stored,) = EvidenceStore(tmp_path / "evidence").verify().records
    assert stored.record.summary["commit"] == answer["repositories"][0]["commit"]


def test_an_unsigned_commit_is_named(clone: Clone) -> None:
    commit = clone.commit(("a", "a\n"), message="sneak in", sign=False)
    answer = clone.verify()
    assert answer["failed"]
    assert f"commit {commit[:12]} (sneak in) is not signed" in answer["msg"]


def test_another_key_does_not_count(clone: Clone, tmp_path: Path) -> None:
    other = Clone(tmp_path / "other")
    assert "a key that is not allowed" in clone.verify(ssh_signers=other.signers)["msg"]
    assert "nobody is named" in clone.verify(ssh_signers=[])["msg"]


def test_the_repository_cannot_say_whom_to_trust(clone: Clone, tmp_path: Path) -> None:
    other = Clone(tmp_path / "other")
    mine = tmp_path / "allowed"
    mine.write_text("\n".join(clone.signers) + "\n")
    clone.git("config", "gpg.ssh.allowedSignersFile", str(mine))
    clone.git("config", "gpg.ssh.program", "true")
    assert "a key that is not allowed" in clone.verify(ssh_signers=other.signers)["msg"]


def test_a_replaced_commit_is_not_believed(clone: Clone) -> None:
    unsigned = clone.commit(("a", "evil\n"), sign=False)
    clone.git("reset", "-q", "--hard", "HEAD~1")
    signed = clone.commit(("a", "good\n"))
    clone.git("reset", "-q", "--hard", unsigned)
    clone.git("replace", unsigned, signed)
    assert "is not signed" in clone.verify()["msg"]


def test_a_changed_commit_has_a_bad_signature(clone: Clone) -> None:
    raw = clone.git("cat-file", "commit", "HEAD").replace("work", "evil") + "\n"
    done = subprocess.run(
        ["git", "-C", str(clone.folder), "hash-object", "-t", "commit", "-w", "--stdin"],
        input=raw,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "has a bad signature" in clone.verify(ref=done.stdout.strip())["msg"]


@pytest.fixture
def gnupg() -> Iterator[str]:
    """A home for gpg whose path is short enough for the agent's socket."""
    with tempfile.TemporaryDirectory() as home:
        yield home
        environment = {**os.environ, "GNUPGHOME": home}
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, env=environment)


def test_openpgp_keys_count_when_they_are_named(clone: Clone, gnupg: str) -> None:
    environment = {"GNUPGHOME": gnupg}
    gpg = ["gpg", "--batch", "--quiet", "--passphrase", ""]
    subprocess.run(
        [*gpg, "--quick-generate-key", "Dev <dev@example.com>", "ed25519", "sign", "never"],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
    )
    public = subprocess.run(
        ["gpg", "--armor", "--export"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    ).stdout
    tip = clone.git("rev-parse", "HEAD")
    clone.git("commit", "-q", "-S", "--allow-empty", "-m", "by gpg", environment=environment)
    assert clone.verify(since=tip, gpg_keys=[public])["passed"]
    assert "nobody here knows" in clone.verify(since=tip)["msg"]


def test_a_branch_is_linear_and_keeps_what_it_had(clone: Clone) -> None:
    verified = clone.git("rev-parse", "HEAD")
    clone.git("checkout", "-q", "-b", "side")
    clone.commit(("side", "side\n"))
    clone.git("checkout", "-q", "main")
    clone.commit(("main", "main\n"))
    clone.git("merge", "-q", "-S", "--no-edit", "side")
    merged = clone.verify(since=verified)
    assert "merges 2 lines" in merged["msg"]
    assert clone.verify(since=verified, linear_history=False)["passed"]
    tip = clone.git("rev-parse", "HEAD")
    clone.git("reset", "-q", "--hard", verified)
    clone.commit(("b", "b\n"))
    assert "its history was rewritten" in clone.verify(since=tip)["msg"]


def test_approvals_are_those_of_others(clone: Clone) -> None:
    tip = clone.git("rev-parse", "HEAD")
    clone.commit(message="one\n\nReviewed-by: A <a@example.com>\nReviewed-by: Dev <dev@example.com>")
    assert "has 1 of 2 approvals" in clone.verify(since=tip, approvals=2)["msg"]
    clone.git("reset", "-q", "--hard", tip)
    clone.commit(message="two\n\nReviewed-by: A <a@example.com>\nApproved-by: B <B@example.com>")
    assert clone.verify(since=tip, approvals=2)["passed"]
    assert "has 1 of 2" in clone.verify(since=tip, approvals=2, reviewers=["b@example.com"])["msg"]


def test_dependencies_are_judged_as_they_are_in_the_commit(clone: Clone) -> None:
    clone.commit(
        ("requirements.txt", f"flask==3.0.0 --hash={DIGEST}\nrequests>=2\n"),
        ("app/Dockerfile", "FROM debian:12\nRUN true\n"),
        ("go.mod", "module m\nrequire example.com/x v1.0.0\n"),
        ("web/package.json", json.dumps({"dependencies": {"left-pad": "^1.0.0"}})),
    )
    answer = clone.verify()
    assert answer["repositories"][0]["dependency_lists"] == [
        "app/Dockerfile",
        "go.mod",
        "requirements.txt",
        "web/package.json",
    ]
    for said in (
        "requirements.txt:2: requests>=2 is not pinned",
        "app/Dockerfile:1: the image debian:12 is not named by its digest",
        "no go.sum",
        "1 dependencies and no package-lock.json",
    ):
        assert said in answer["msg"]
    # What lies in the working tree and is not committed changes nothing.
    (clone.folder / "requirements.txt").write_text("")
    assert "requests>=2" in clone.verify()["msg"]
    assert clone.verify(pinned=[])["passed"]
    some = clone.verify(ignored_lists=["app/*", "web/*", "*.txt"])
    assert some["repositories"][0]["dependency_lists"] == ["go.mod"]


def test_a_shallow_clone_and_a_missing_commit_are_said(clone: Clone, tmp_path: Path) -> None:
    clone.commit(("a", "a\n"))
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{clone.folder}", str(shallow)], check=True)
    arguments = {"repositories": [{"path": str(shallow)}], "ssh_signers": clone.signers}
    assert "shallow" in call("source_verify", arguments)["msg"]
    assert "has no commit 'missing'" in clone.verify(ref="missing")["msg"]
    assert "does not name a commit" in clone.verify(ref="--all")["msg"]
    shutil.rmtree(shallow)
    assert call("source_verify", arguments)["failed"]
