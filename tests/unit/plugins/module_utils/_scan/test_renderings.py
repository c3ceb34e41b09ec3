# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All formats of the exceptions hold the same: what counts for this subject now, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._scan import renderings
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption, Scope
from ansible_collections.rampart.k8s.plugins.module_utils._scan.merge import merge
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Check
from ansible_collections.rampart.k8s.plugins.module_utils._scan.purl import Purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.tests.support.scanning import (
    DIGEST,
    LIBC,
    NOW,
    claim,
    exemption,
    report,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = [f"CVE-2026-{number:04}" for number in range(1, 6)]
STDCPP = Purl("deb", "debian/libstdc++6", "12.2.0-14")
CHECKS = [
    Check("DL3008", Severity.MEDIUM, "pin", path="/src/Dockerfile"),
    Check("CIS-DI-0001", Severity.MEDIUM, "root"),
    Check("DKL-DI-0005", Severity.HIGH, "caches"),
]


def spelled(package: Purl, scanner: str) -> str:
    name = package.name.rpartition("/")[2]
    own = json.dumps([package.type, name, package.version])
    return own if scanner == "grype" else f"{package}?arch=amd64&distro=debian-12"


def found(package: Purl = LIBC) -> renderings.Found:
    reports = [
        report(
            *(claim(name, package=package, spelled=spelled(package, scanner)) for name in NAMES),
            scanner=scanner,
        )
        for scanner in ("trivy", "grype")
    ]
    return renderings.Found(DIGEST, "app:1", merge(reports).vulnerabilities, CHECKS)


def read(texts: dict[str, str]) -> dict[str, set[str]]:
    """Return what each format would let pass."""
    trivy = yaml.safe_load(texts[".trivyignore.yaml"])["vulnerabilities"]
    grype = yaml.safe_load(texts[".grype.yaml"])["ignore"]
    hadolint = yaml.safe_load(texts[".hadolint.yaml"])["ignored"]
    dockle = [line for line in texts[".dockleignore"].splitlines() if line and line[0] != "#"]
    kyverno = [one for one in yaml.safe_load_all(texts["kyverno.yaml"]) if one]
    return {
        "trivy": {row["id"] for row in trivy},
        "grype": {row["vulnerability"] for row in grype},
        "hadolint": set(hadolint),
        "dockle": set(dockle),
        "kyverno": {value for one in kyverno for value in one["spec"]["allowedValues"]},
    }


ENTRIES = st.lists(
    st.builds(
        lambda name, start, length, digest: exemption(
            id=name if name.startswith("CVE") else "",
            rule="" if name.startswith("CVE") else name,
            scope=Scope(digest=DIGEST if digest else "sha256:" + "b" * 64),
            created=NOW.date() - timedelta(days=start),
            expires=NOW.date() - timedelta(days=start) + timedelta(days=length),
        ),
        st.sampled_from([*NAMES, "CVE-2026-9999", "DL3008", "CIS-DI-0001", "DKL-DI-0005", "DL9999"]),
        st.integers(0, 100),
        st.integers(1, 90),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(ENTRIES, st.integers(0, 48))
def test_all_renderings_agree_with_the_gate(entries: list[Exemption], hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    here = found()
    told = read(renderings.render(entries, here, now))
    counts = [one for one in entries if one.active(now) and one.scope.digest == DIGEST]
    vulnerabilities = {one.id for one in counts if one.id in NAMES}
    rules = {one.rule for one in counts} & {check.rule for check in CHECKS}
    assert told["trivy"] == told["grype"] == vulnerabilities
    assert told["hadolint"] == rules & {"DL3008"}
    assert told["dockle"] == rules - {"DL3008"}
    assert told["kyverno"] == vulnerabilities | rules


def test_one_that_has_ended_is_in_no_format() -> None:
    ended = [exemption(expires=NOW.date()), exemption(id="", rule="DL3008", scope=Scope(digest=DIGEST))]
    told = read(renderings.render(ended[:1], found(), NOW))
    assert set().union(*told.values()) == set()
    assert read(renderings.render(ended, found(), NOW))["hadolint"] == {"DL3008"}


def test_the_last_moment_is_the_same_for_all() -> None:
    last = exemption(expires=date(2026, 11, 30))
    before = datetime.combine(date(2026, 11, 29), time(23, 59, 59), UTC)
    texts = renderings.render([last], found(), before)
    [row] = yaml.safe_load(texts[".trivyignore.yaml"])["vulnerabilities"]
    [document] = yaml.safe_load_all(texts["kyverno.yaml"])
    # trivy reads the day as its first moment, Kyverno is told that moment.
    assert row["expired_at"] == date(2026, 11, 30)
    assert document["spec"]["expiresAt"] == "2026-11-30T00:00:00Z"
    after = before + timedelta(seconds=1)
    assert set().union(*read(renderings.render([last], found(), after)).values()) == set()


def test_each_tool_is_told_the_package_as_it_spells_it() -> None:
    scope = replace(exemption().scope, purl=STDCPP)
    texts = renderings.render([exemption(scope=scope)], found(STDCPP), NOW)
    [row] = yaml.safe_load(texts[".trivyignore.yaml"])["vulnerabilities"]
    assert row["purls"] == ["pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12"]
    [rule] = yaml.safe_load(texts[".grype.yaml"])["ignore"]
    # Unescaped, grype would read a pattern that nothing matches.
    assert rule["package"] == {"name": r"libstdc\+\+6", "version": "12.2.0-14", "type": "deb"}
    assert rule["include-aliases"]


def test_a_path_is_no_exception_for_the_whole_image() -> None:
    """hadolint knows no paths, so an exception for another file must not reach it."""
    other = exemption(id="", rule="DL3008", scope=Scope(path="web/Dockerfile"))
    assert read(renderings.render([other], found(), NOW))["hadolint"] == set()


def test_the_reason_and_who_allowed_it_go_along() -> None:
    texts = renderings.render([exemption()], found(), NOW)
    for name in (".trivyignore.yaml", ".grype.yaml"):
        assert "owner ann, allowed by bob" in " ".join(texts[name].split())
    [document] = yaml.safe_load_all(texts["kyverno.yaml"])
    annotations: dict[str, Any] = document["metadata"]["annotations"]
    assert annotations["rampart.k8s/approver"] == "bob"
