# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As whom crane speaks to a registry, asked of crane itself."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._oci.crane import trust

from tests.support.programs import tool

REGISTRY = "r.test:5000"


def written(path: Path, user: str) -> Path:
    """Write what docker login does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(f"{user}:a-password".encode()).decode()
    path.write_text(json.dumps({"auths": {REGISTRY: {"auth": auth}}}))
    return path


@pytest.mark.parametrize("form", ["file", "folder"])
def test_what_is_given_counts_and_not_what_the_home_holds(tmp_path: Path, form: str) -> None:
    """AWX hands over a file; whoever runs the job may have a configuration of his own."""
    home = tmp_path / "home"
    written(home / ".docker/config.json", "somebody")
    given = written(tmp_path / "given/config.json", "pusher")
    config = given if form == "file" else given.parent
    done = subprocess.run(
        [str(tool("crane")), "auth", "get"],
        input=f"{REGISTRY}\n",
        env={"HOME": str(home), **trust(None, str(config))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["Username"] == "pusher"
