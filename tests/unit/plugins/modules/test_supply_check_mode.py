# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On an empty machine check mode says what would be done, and writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.layouts import layout
from tests.support.modules import call

PASSPHRASE = "a phrase for tests only"


def calls(folder: Path) -> dict[str, dict[str, Any]]:
    """Return a call of each module whose tools, images and keys do not exist."""
    image = f"oci:{folder}/image"
    absent = {name: f"/nonexistent/{name}" for name in ("cosign", "crane", "syft", "gitleaks", "helm")}
    store = {"evidence_dir": f"{folder}/evidence"}
    signing = {"cosign": absent["cosign"], "crane": absent["crane"]}
    return {
        "signing_keys": {**signing, "directory": f"{folder}/keys", "passphrase": PASSPHRASE},
        "image_sign": {
            **signing,
            **store,
            "keys": f"{folder}/keys",
            "images": [{"image": image}],
            "require_verdicts": ["image_scan"],
        },
        "image_verify": {**signing, **store, "keyring": f"{folder}/keys/keyring.json", "images": [image]},
        "image_sbom": {
            **store,
            "syft": absent["syft"],
            "crane": absent["crane"],
            "directory": f"{folder}/sbom",
            "images": [{"image": image}],
        },
        "secret_scan": {
            **store,
            "gitleaks": absent["gitleaks"],
            "repositories": [f"{folder}/sources"],
            "images": [image],
            "charts": [{"chart": f"{folder}/chart"}],
            "fingerprint_key": f"{folder}/fingerprint.key",
        },
    }


@pytest.mark.parametrize(
    "module", ["signing_keys", "image_sign", "image_verify", "image_sbom", "secret_scan"]
)
def test_an_empty_machine_is_no_error_in_check_mode(module: str, tmp_path: Path) -> None:
    answer = call(module, calls(tmp_path)[module], check=True)
    assert not answer.get("failed"), answer["msg"]
    assert answer["changed"] is (module in ("signing_keys", "image_sign", "image_sbom"))
    assert answer["reason"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "module", ["signing_keys", "image_sign", "image_verify", "image_sbom", "secret_scan"]
)
def test_a_real_run_says_what_is_missing(module: str, tmp_path: Path) -> None:
    layout(tmp_path / "image", [{"a": b"a"}])
    answer = call(module, calls(tmp_path)[module])
    assert answer["failed"]
    assert answer["next_step"]
    assert PASSPHRASE not in answer["msg"]
