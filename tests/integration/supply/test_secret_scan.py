# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""secret_scan with the real gitleaks: what is planted is found, shown to nobody, and cannot hide itself."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.gitleaks import Gitleaks
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Joined, Text
from ansible_collections.rampart.k8s.plugins.module_utils._evidence.store import EvidenceStore

from tests.support.credentials import Maker, Planted
from tests.support.layouts import layout
from tests.support.modules import call
from tests.support.planting import (
    CHANNELS,
    cluster_texts,
    git,
    module_finds,
    repository,
    texts_found,
)
from tests.support.registries import real_registry

pytestmark = pytest.mark.skipif(not shutil.which("gitleaks"), reason="gitleaks is not on PATH")

SEED = 20261122


@pytest.fixture(scope="module")
def planted() -> list[Planted]:
    return Maker(SEED).all()


@pytest.fixture
def token(planted: list[Planted]) -> Planted:
    return next(each for each in planted if each.kind == "github_pat")


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_kind_is_found_in_every_channel(channel: str, planted: list[Planted], tmp_path: Path) -> None:
    assert module_finds(CHANNELS[channel](tmp_path, planted), planted) == {each.kind for each in planted}


def test_every_kind_is_found_in_what_a_cluster_shows(planted: list[Planted]) -> None:
    for name, texts in cluster_texts(planted).items():
        assert texts_found(texts, planted) == {each.kind for each in planted}, name


def test_decoys_are_left_alone() -> None:
    joined = Joined([Text(line, line) for line in Maker(SEED).decoys()])
    report = Gitleaks("gitleaks", timeout=60).texts(joined.content)
    assert [joined.locate(int(entry["StartLine"]))[0] for entry in report] == []


def scan(folder: Path, **options: Any) -> dict[str, Any]:
    return call("secret_scan", {"fingerprint_key": str(folder / "fingerprint.key"), **options})


def test_the_gate_is_shut_and_names_the_place(tmp_path: Path, token: Planted) -> None:
    repo = repository(tmp_path / "repo")
    (repo / "deploy.env").write_text(f"# settings\n{token.text}\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "deploy")
    answer = scan(tmp_path, repositories=[str(repo)], evidence_dir=str(tmp_path / "evidence"))
    assert answer["failed"]
    assert "deploy.env:2 in commit" in answer["msg"]
    assert "revoke" in answer["next_step"]
    assert token.secret not in json.dumps(answer)
    (stored,) = EvidenceStore(tmp_path / "evidence").verify().records
    assert (stored.record.verdict, stored.record.gate) == ("failed", "secret_scan")
    assert token.secret not in "".join(path.read_text() for path in (tmp_path / "evidence").rglob("*.jsonl"))
    again = scan(tmp_path, repositories=[str(repo)])
    assert again["findings"] == answer["findings"]


def test_what_is_looked_into_cannot_hide_anything(tmp_path: Path, token: Planted) -> None:
    repo = repository(tmp_path / "repo")
    (repo / "a.env").write_text(f"{token.text} # gitleaks:allow\n")
    (repo / ".gitleaks.toml").write_text('[allowlist]\npaths = [".*"]\n')
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "hide")
    commit = subprocess.run(
        ["git", "-C", str(repo), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    (repo / ".gitleaksignore").write_text(f"{commit}:a.env:github-pat:1\na.env:github-pat:1\n")
    found = scan(tmp_path, repositories=[str(repo)], report_only=True)["findings"]
    assert [(each["rule"], each["file"]) for each in found] == [("github-pat", "a.env")]
    answer = scan(tmp_path, paths=[str(repo)])
    assert ".gitleaksignore would hide findings" in answer["msg"]
    (repo / ".gitleaksignore").unlink()
    found = scan(tmp_path, paths=[str(repo)], report_only=True)["findings"]
    assert [(each["rule"], each["file"]) for each in found] == [("github-pat", "a.env")]


def test_what_was_added_while_merging_is_found(tmp_path: Path, token: Planted) -> None:
    repo = repository(tmp_path / "repo")
    git(repo, "checkout", "-q", "-b", "side")
    (repo / "side").write_text("side\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "side")
    git(repo, "checkout", "-q", "main")
    (repo / "main").write_text("main\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "main")
    git(repo, "merge", "-q", "--no-commit", "side")
    (repo / "side").write_text(f"{token.text}\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "merge")
    git(repo, "rm", "-q", "side")
    git(repo, "commit", "-q", "-m", "remove")
    found = scan(tmp_path, repositories=[str(repo)], report_only=True)["findings"]
    assert [(each["channel"], each["file"]) for each in found] == [("git_history", "side")]


def test_a_repository_without_files_or_commits_is_clean(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    assert scan(tmp_path, repositories=[str(repo)])["passed"]
    git(repo, "commit", "-q", "--allow-empty", "-m", "begin")
    assert scan(tmp_path, repositories=[str(repo)])["passed"]


def test_a_shallow_clone_is_refused(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    (repo / "x").write_text("x\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "x")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "clone")
    assert "shallow" in scan(tmp_path, repositories=[str(tmp_path / "clone")])["msg"]


def entry(finding: dict[str, Any], **more: Any) -> dict[str, Any]:
    today = datetime.datetime.now(datetime.UTC).date()
    return {
        "rule": finding["rule"],
        "scope": {"path": finding["file"], "fingerprint": finding["fingerprint"]},
        "owner": "team-backend",
        "approver": "security",
        "reason": "the token is revoked, the history is rewritten in the next window",
        "link": "https://tickets.example.com/1",
        "created": (today - datetime.timedelta(days=20)).isoformat(),
        "expires": (today + datetime.timedelta(days=30)).isoformat(),
        **more,
    }


def test_the_baseline_accepts_one_credential_until_its_last_day(tmp_path: Path, token: Planted) -> None:
    log = tmp_path / "app.log"
    log.write_text(f"{token.text}\n")
    (finding,) = scan(tmp_path, paths=[str(log)], report_only=True)["findings"]
    baseline = tmp_path / "baseline.yml"

    def judged(*entries: dict[str, Any]) -> dict[str, Any]:
        baseline.write_text(json.dumps({"exceptions": entries}))
        return scan(tmp_path, paths=[str(log)], baseline=str(baseline))

    accepted = judged(entry(finding))
    assert accepted["passed"]
    assert accepted["findings"][0]["baseline"]
    yesterday = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
    expired = judged(entry(finding, expires=yesterday.isoformat()))
    assert "has expired" in expired["msg"]
    assert "team-backend" in expired["msg"]
    endless = judged(entry(finding, expires="2099-01-01"))
    assert "90 days is the most" in endless["msg"]
    alone = judged(entry(finding, approver="team-backend"))
    assert "allow it to themselves" in alone["msg"]
    broad = judged({**entry(finding), "scope": {"path": "app.log"}})
    assert "names no fingerprint" in broad["msg"]
    # The same place with another credential is not covered.
    log.write_text(f"{Maker(SEED + 1).all()[2].text}\n")
    other = judged(entry(finding))
    assert other["failed"]
    assert any("is not needed" in warning for warning in other["warnings_found"])
    soon = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=3)
    log.write_text(f"{token.text}\n")
    assert any(
        "ends in 3 days" in each
        for each in judged(entry(finding, expires=soon.isoformat()))["warnings_found"]
    )


def test_images_are_looked_into_wherever_they_are(tmp_path: Path, token: Planted) -> None:
    crane = shutil.which("crane")
    assert crane, "crane is not on PATH"
    folder = tmp_path / "image"
    layout(folder, [{"etc/app.env": f"{token.text}\n".encode()}, {"etc/.wh.app.env": b""}])
    (tmp_path / "registry").mkdir()
    with real_registry(tmp_path / "registry") as url:
        remote = f"{url.removeprefix('http://')}/team/app:1"
        subprocess.run([crane, "push", str(folder), remote], check=True, capture_output=True)
        archive = tmp_path / "app.tar"
        subprocess.run([crane, "pull", remote, str(archive)], check=True, capture_output=True)
        for image in (f"oci:{folder}", remote, f"docker-archive:{archive}"):
            found = scan(tmp_path, images=[image], report_only=True)["findings"]
            assert [each["file"].rpartition("!")[2] for each in found] == ["etc/app.env"], image
            assert found[0]["file"].startswith("sha256:")
    assert not list(folder.glob(".rampart-*"))


def test_an_image_of_programs_alone_is_clean_and_a_blind_tool_is_not(tmp_path: Path) -> None:
    program = b"\x7fELF" + bytes(range(256)) * 20
    for name, compress in (("plain", False), ("packed", True)):
        layout(tmp_path / name, [{"bin/program": program}], compress=compress)
        assert scan(tmp_path, images=[f"oci:{tmp_path / name}"])["passed"]
    blind = tmp_path / "gitleaks"
    blind.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo 8.30.1 && exit\n'
        "echo '9:41AM INF scanned ~60 bytes (60 bytes) in 1ms' >&2\necho '[]'\n"
    )
    blind.chmod(0o755)
    (tmp_path / "app.log").write_text("hello\n")
    answer = scan(tmp_path, images=[f"oci:{tmp_path / 'plain'}"], gitleaks=str(blind))
    assert "may be blind" in answer["msg"]


def test_a_changed_layer_is_not_looked_into(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    layout(folder, [{"a": b"hello"}])
    for blob in (folder / "blobs" / "sha256").iterdir():
        if b"hello" in blob.read_bytes():
            blob.write_bytes(blob.read_bytes().replace(b"hello", b"jello"))
    assert "is not what its name says" in scan(tmp_path, images=[f"oci:{folder}"])["msg"]


def test_nothing_is_not_clean(tmp_path: Path) -> None:
    assert "nothing to look into" in scan(tmp_path)["msg"]
    assert "does not exist" in scan(tmp_path, paths=[str(tmp_path / "missing")])["msg"]
    check = call("secret_scan", {"paths": [str(tmp_path / "missing")]}, check=True)
    assert not check.get("failed")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    key = tmp_path / "fingerprint.key"
    key.write_text("00" * 32)
    key.chmod(0o644)
    assert "Others may read" in scan(tmp_path, paths=[str(tmp_path / "x")])["msg"]
