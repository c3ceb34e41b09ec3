# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gitleaks gives a verdict only when its report is plainly whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.charts import render
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.gitleaks import Gitleaks
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Joined, Text

SCANNED = "echo '9:41AM INF scanned ~6 bytes (6 bytes) in 1ms' >&2"


def fake(folder: Path, *lines: str) -> Gitleaks:
    program = folder / "gitleaks"
    program.write_text("\n".join(("#!/bin/sh", "cat >/dev/null", *lines)) + "\n")
    program.chmod(0o755)
    return Gitleaks(str(program), timeout=20)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((SCANNED, "echo '[]'", "exit 1"), "ended with code 1"),
        ((SCANNED, "exit 0"), "not whole JSON"),
        ((SCANNED, "echo '[{'", "exit 3"), "not whole JSON"),
        ((SCANNED, "echo '{}'", "exit 0"), "not a list"),
        ((SCANNED, "echo '[1]'", "exit 3"), "not a list"),
        ((SCANNED, "echo '[]'", "exit 3"), "ended with code 3 and reports 0"),
        ((SCANNED, "echo '[{}]'", "exit 0"), "ended with code 0 and reports 1"),
        (("echo '[]'", "exit 0"), "looked at 0 bytes"),
        (("echo '9:41AM INF scanned ~0 bytes (0) in 1ms' >&2", "echo '[]'"), "looked at 0 bytes"),
        ((SCANNED, "echo '9:41AM ERR could not open' >&2", "echo '[]'"), "could not open"),
        (('echo \'[{"Secret": "planted-canary"\'', "kill -SEGV $$"), "ended with code -11: no reason"),
    ],
)
def test_what_is_not_a_whole_report_is_no_verdict(tmp_path: Path, lines: tuple[str, ...], why: str) -> None:
    with pytest.raises(RampartError, match=why) as caught:
        fake(tmp_path, *lines).texts("hello\n")
    assert "planted-canary" not in f"{caught.value} {caught.value.details}"


def test_a_history_without_commits_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(RampartError, match="looked at no commit"):
        fake(tmp_path, SCANNED, "echo '[]'").history(tmp_path, expect_commits=True)


def test_a_hanging_tool_is_ended(tmp_path: Path) -> None:
    program = fake(tmp_path, "sleep 60")
    slow = Gitleaks(str(tmp_path / "gitleaks"), timeout=0.2)
    assert program is not slow
    with pytest.raises(RampartError, match="still running"):
        slow.texts("hello\n")


def test_another_version_is_refused(tmp_path: Path) -> None:
    assert fake(tmp_path, "echo 8.30.1").version() == "8.30.1"
    with pytest.raises(RampartError, match=r"gitleaks 9\.0\.0"):
        fake(tmp_path, "echo 9.0.0").version()


def test_findings_come_back_as_they_are(tmp_path: Path) -> None:
    report = json.dumps([{"RuleID": "x"}])
    assert fake(tmp_path, SCANNED, f"echo '{report}'", "exit 3").texts("hello\n") == [{"RuleID": "x"}]


def test_lines_are_led_back_to_their_texts() -> None:
    joined = Joined([Text("one", "a\nb"), Text("two", ""), Text("three", "c\r\nd\x0be\n")])
    lines = joined.content.split("\n")
    for wanted, name, line in (("a", "one", 1), ("b", "one", 2), ("c", "three", 1), ("e", "three", 3)):
        assert joined.locate(lines.index(wanted) + 1) == (name, line)
    assert joined.locate(0) == ("", 0)


def test_a_chart_is_told_by_its_templates(tmp_path: Path) -> None:
    helm = tmp_path / "helm"
    (tmp_path / "Chart.yaml").write_text("name: app\n")
    chart = {"chart": str(tmp_path), "values": [], "release": "app", "namespace": "prod"}

    def rendered(output: str) -> list[Text]:
        helm.write_text(f"#!/bin/sh\nprintf '%s' '{output}'\n")
        helm.chmod(0o755)
        return render(chart, str(helm), Redactor(), 20)

    texts = rendered("---\n# Source: app/templates/a.yaml\na: 1\n---\n# Source: app/templates/b.yaml\nb: 1\n")
    assert [text.name for text in texts] == ["app/templates/a.yaml", "app/templates/b.yaml"]
    with pytest.raises(RampartError, match="renders to nothing"):
        rendered("\n")
