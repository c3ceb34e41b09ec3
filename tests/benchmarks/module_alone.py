# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our module in a process of its own, without Ansible's start: what is left is ours to make faster."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.rig.modules import run_module


def main() -> None:
    """Apply the objects of a file."""
    kubeconfig, manifests = sys.argv[1:]
    definitions = json.loads(Path(manifests).read_text())["items"]
    result = run_module("manifest_apply", {"kubeconfig": kubeconfig, "definitions": definitions})
    if result.get("failed"):
        raise SystemExit(result["msg"])


if __name__ == "__main__":
    main()
