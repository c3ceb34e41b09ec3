# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finding says where a credential is and never what it is; the baseline covers exactly one."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import MASK
from ansible_collections.rampart.k8s.plugins.module_utils._credentials import baseline, key
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.finding import (
    Channel,
    Found,
    distinct,
    of_report,
)

NOW = datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)
KEY = bytes(32)
SECRET = "planted-canary-0123456789"


def report(**more: Any) -> dict[str, Any]:
    return {
        "RuleID": "rule",
        "File": "a/b.env",
        "StartLine": 3,
        "Secret": SECRET,
        "Match": f"x={SECRET}",
        **more,
    }


def found(**more: Any) -> Found:
    return of_report(report(**more), Channel.HISTORY, "repo", KEY)


def test_a_finding_holds_no_part_of_the_credential() -> None:
    made = found(File=f"backup/{SECRET}.txt", Commit="c" * 40)
    for text in (str(made), repr(made), str(made.data())):
        assert SECRET not in text
    assert made.file == f"backup/{MASK}.txt"
    assert str(made).startswith(f"rule in backup/{MASK}.txt:3 in commit cccccccccccc (hmac:")


def test_the_fingerprint_depends_on_the_key_and_the_credential() -> None:
    other = of_report(report(), Channel.HISTORY, "repo", b"1" * 32)
    assert found().fingerprint != other.fingerprint
    assert found().fingerprint != found(Secret="another").fingerprint
    assert found().fingerprint == found(File="c").fingerprint


@pytest.mark.parametrize("missing", ["Secret", "File", "RuleID", "StartLine"])
def test_a_report_of_another_form_is_refused_without_its_content(missing: str) -> None:
    entry = report()
    del entry[missing]
    with pytest.raises(RampartError, match="form that is not known") as caught:
        of_report(entry, Channel.FILES, "x", KEY)
    assert SECRET not in str(caught.value)


def test_the_same_credential_in_a_file_is_told_once() -> None:
    first, second = found(Commit="a" * 40), found(Commit="b" * 40, StartLine=9)
    (told,) = distinct([first, second])
    assert (told.commit, told.more) == ("a" * 40, 1)
    assert len(distinct([first, found(File="other")])) == 2
    assert len(distinct([first, found(Secret="other")])) == 2


def entry(made: Found, **more: Any) -> dict[str, Any]:
    scope = {"path": made.file, "fingerprint": made.fingerprint}
    return {
        "rule": made.rule,
        "scope": scope,
        "owner": "dev",
        "approver": "security",
        "reason": "it is revoked and stays in the history",
        "link": "https://tickets.example.com/1",
        "created": "2026-11-01",
        "expires": "2026-12-31",
        **more,
    }


def judged(made: Found, **more: Any) -> baseline.Judged:
    return baseline.judge([made], baseline.parse({"exceptions": [entry(made, **more)]}, NOW), NOW)


def test_an_entry_covers_its_credential_until_its_last_day() -> None:
    result = judged(found())
    assert result.violations == []
    assert result.used == [result.found[0].baseline]
    expired = judged(found(), expires="2026-11-22")
    assert "has expired" in expired.violations[0]
    soon = judged(found(), expires="2026-11-25")
    assert "ends in 3 days" in soon.warnings[0]


def test_an_entry_covers_nothing_else() -> None:
    entries = baseline.parse({"exceptions": [entry(found())]}, NOW)
    for other in (found(Secret="other"), found(File="other"), found(RuleID="other")):
        result = baseline.judge([other], entries, NOW)
        assert result.violations == [str(other)]
        assert "is not needed" in result.warnings[0]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([], "form that is known"),
        ({"other": []}, "form that is known"),
        ({"exceptions": [None]}, "names no fingerprint"),
        ({"exceptions": [{"scope": {"path": "a"}}]}, "names no fingerprint"),
        ({"exceptions": [{"scope": {"path": "a", "fingerprint": SECRET}}]}, "names no fingerprint"),
        ({"exceptions": [entry(found(), approver="dev")]}, "allow it to themselves"),
        ({"exceptions": [entry(found(), expires="2027-12-31")]}, "90 days"),
        ({"exceptions": [{**entry(found()), "scope": {"fingerprint": found().fingerprint}}]}, "no scope"),
    ],
)
def test_a_baseline_that_would_hide_too_much_is_refused(content: Any, why: str) -> None:
    with pytest.raises(RampartError, match=why):
        baseline.parse(content, NOW)


def test_no_baseline_covers_nothing() -> None:
    assert baseline.parse(None, NOW) == ()
    assert baseline.judge([found()], (), NOW).violations == [str(found())]
    assert replace(found(), baseline="x").data()["baseline"] == "x"


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "key")
    assert len(key.read(path, check_mode=True)) == key.BYTES
    assert not (tmp_path / "new").exists()
    made = key.read(path, check_mode=False)
    assert key.read(path, check_mode=False) == made
    assert oct((tmp_path / "new" / "key").stat().st_mode & 0o777) == "0o600"
    assert key.read(None, check_mode=False) != key.read(None, check_mode=False)


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for content, why in (("xyz", "cannot be read"), ("00", "shorter than")):
        path.write_text(content)
        path.chmod(0o600)
        with pytest.raises(RampartError, match=why):
            key.read(str(path), check_mode=False)
    path.chmod(0o640)
    with pytest.raises(RampartError, match="Others may read"):
        key.read(str(path), check_mode=False)
    path.write_text("00" * 32)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(RampartError, match="cannot be read"):
        key.read(str(tmp_path / "link"), check_mode=False)
