# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault cases of the reliability page, by number: odd values, loud runs, many hosts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import encodings

from tests.support.rotated_pair import arguments, generations, whole
from tests.support.rotating import Place, secret

ROOT = Path(__file__).resolve().parents[3]


def test_53_a_secret_is_kept_byte_by_byte_up_to_its_limit(place: Place, tmp_path: Path) -> None:
    value = bytes(range(256)) * 4096
    path = tmp_path / "value"
    path.write_bytes(value[:-100])
    declared = secret("big", {"name": "k", "generator": "value", "file": str(path)})
    place.rotate(declared)
    place.deploy("api", "big")
    path.write_bytes(value)
    result = place.rotate(declared)
    assert not result.get("failed"), result["msg"]
    assert place.content("big") == {"k": value}
    assert place.held("api", "big") == [{"k": value}] * 2
    stored = place.stored()
    path.write_bytes(value + b"x")
    result = place.rotate(declared)
    assert "would hold 1048577 bytes; a Secret can hold 1048576" in result["msg"]
    assert place.content("big") == {"k": value}
    lease = f"/registry/leases/{place.name}/rampart-rotation"
    assert {key: number for key, number in place.stored().items() if key != lease} == {
        key: number for key, number in stored.items() if key != lease
    }


PLAY = """\
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - name: Rotate
      rampart.k8s.secret_rotate: {arguments}
"""


def play(folder: Path, given: dict[str, Any], hosts: int, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "play.yml"
    path.write_text(PLAY.format(arguments=json.dumps(given)))
    names = ",".join(f"h{number}" for number in range(hosts)) + ","
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            names,
            "-e",
            f"ansible_python_interpreter={sys.executable}",
            *options,
            str(path),
        ],
        cwd=folder,
        env={**environment, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_54_as_loud_as_it_can_be_nothing_is_heard(ready: Place, tmp_path: Path) -> None:
    value = "given-canary-correct-horse"
    given = secret("given", {"name": "k", "generator": "value", "value": value})
    values = [ready.content("db")["password"], value.encode()]
    whole_arguments = arguments(ready, secret("db"), given, scope="all")
    said = [play(tmp_path, whole_arguments, 1, "--check", "--diff", "-vvvv")]
    assert said[0].returncode == 0, said[0].stdout
    ready.sick.add("web")
    said.append(play(tmp_path, whole_arguments, 1, "--diff", "-vvvv"))
    assert said[1].returncode == 2, said[1].stdout
    ready.sick.clear()
    said.append(play(tmp_path, whole_arguments, 1, "--diff", "-vvvv"))
    assert said[2].returncode == 0, said[2].stdout
    values.append(ready.content("db")["password"])
    # The play itself holds the given value, and Ansible shows the file of a task: that is the person's.
    forms = {form for one in values[::2] for form in encodings(one)}
    text = "".join(one.stdout + one.stderr for one in said)
    assert not [form for form in forms if form in text]
    own = ("secrets: ", '"secrets": ', "rampart.k8s.secret_rotate: {")
    assert value not in "".join(line for line in text.split("\n") if not any(mark in line for mark in own))


def test_55_of_fifty_hosts_one_rotates_and_all_are_content(ready: Place, tmp_path: Path) -> None:
    path = f"/api/v1/namespaces/{ready.name}/secrets/db"
    aged = {"metadata": {"annotations": {"rampart.k8s/rotated-at": "2020-01-01T00:00:00Z"}}}
    ready.client.call("PATCH", path, body=aged, content_type="application/merge-patch+json")
    before, seen = generations(ready), set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            seen.add(ready.content("db")["password"])

    looker = threading.Thread(target=look)
    looker.start()
    done = play(tmp_path, arguments(ready, lock_timeout=240), 50, "-f", "50")
    ended.set()
    looker.join()
    assert done.returncode == 0, "".join(re.findall(r"fatal: .*\n(?: .*\n)*", done.stdout))[:3000]
    assert done.stdout.count("changed=1") == 1
    assert done.stdout.count("changed=0") == 49
    assert len(seen) == 2
    assert generations(ready) == [number + 1 for number in before]
    whole(ready)
