# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

from ansible_collections.rampart.k8s.plugins.module_utils._verify import at_rest
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Verdict

CANARY = b"0123456789abcdef0123456789abcdef"


def verdicts(stored: bytes | None) -> list[Verdict]:
    return [proof.verdict for proof in at_rest.judge(stored, CANARY)]


def test_an_unreadable_value_is_proved() -> None:
    assert verdicts(b"k8s:enc:secretbox:v1:key1:\x00\x93\xfa") == [Verdict.HELD] * 3


def test_a_value_that_is_not_there_proves_nothing() -> None:
    assert verdicts(None) == [Verdict.BROKEN]


def test_plain_text_is_a_violation_twice() -> None:
    assert verdicts(b"k8s\x00\n\x0c..." + CANARY) == [Verdict.HELD, Verdict.BROKEN, Verdict.BROKEN]


def test_a_mark_alone_does_not_hide_anything() -> None:
    leaking = b"k8s:enc:secretbox:v1:key1:" + base64.b64encode(CANARY)
    assert verdicts(leaking) == [Verdict.HELD, Verdict.HELD, Verdict.BROKEN]


def test_an_unknown_mark_is_no_encryption() -> None:
    assert verdicts(b"k8s:enc:oops")[1] is Verdict.BROKEN
