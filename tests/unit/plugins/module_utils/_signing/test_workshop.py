# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._signing.workshop import Workshop

NO_REGISTRY = {"cosign": "cosign", "crane": "crane", "registry_ca": None, "docker_config": None}


def workshop(redactor: Redactor, **parameters: Any) -> Workshop:
    return Workshop({**NO_REGISTRY, **parameters}, redactor)


def test_a_passphrase_is_made_once_for_its_owner_alone_and_is_masked(tmp_path: Path) -> None:
    file, redactor = tmp_path / "passphrase", Redactor()
    made = workshop(redactor, passphrase_file=str(file)).passphrase(make=True)
    assert len(made) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert workshop(Redactor(), passphrase_file=str(file)).passphrase(make=True) == made
    assert made not in redactor.text(f"it is {made}")


def test_a_lost_passphrase_is_not_replaced_where_keys_need_it(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    with pytest.raises(RampartError, match="Could not read the passphrase") as raised:
        workshop(Redactor(), passphrase_file=str(file)).passphrase()
    assert "bring the file back" in raised.value.next_step
    assert not file.exists()


def test_a_passphrase_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("a passphrase that is long enough")
    file.chmod(0o640)
    with pytest.raises(RampartError, match="can be read by others"):
        workshop(Redactor(), passphrase_file=str(file)).passphrase()


@pytest.mark.parametrize("given", ["", "short"])
def test_a_short_passphrase_is_refused(given: str) -> None:
    with pytest.raises(RampartError, match="at least 12 characters"):
        workshop(Redactor(), passphrase=given).passphrase()
