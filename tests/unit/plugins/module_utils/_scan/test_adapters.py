# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real scanners once printed becomes the normal form, and everything that is no report is refused."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Adapter, Input, Output
from ansible_collections.rampart.k8s.plugins.module_utils._scan.dockle import Dockle
from ansible_collections.rampart.k8s.plugins.module_utils._scan.grype import Grype
from ansible_collections.rampart.k8s.plugins.module_utils._scan.hadolint import Hadolint
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import FixState, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trivy import Trivy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import ScannerError, Trouble
from ansible_collections.rampart.k8s.tests.support.scanning import recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIELDS = (
    *("Results", "Metadata", "OS", "Packages", "Vulnerabilities", "VulnerabilityID", "VendorSeverity"),
    *("PkgIdentifier", "PURL", "FixedVersion", "Layer", "Licenses", "Name", "matches", "vulnerability"),
    *("artifact", "id", "fix", "versions", "locations", "annotations", "epss", "relatedVulnerabilities"),
    *("summary", "details", "level", "code", "alerts", "fatal", "warn", "info", "skip", "pass", "line"),
)

TRIVY, GRYPE = Trivy(Path("cache")), Grype(Path("database"))


def image(digest: str = "") -> Input:
    return Input(Kind.IMAGE, Path("image.tar"), digest, "app")


def of_trivy(name: str, **changes: Any) -> Report:
    data = {**json.loads(recorded("trivy", name)), **changes}
    return TRIVY.read(json.dumps(data), image(data["Metadata"]["ImageID"]), "0.74.0")


def of_grype(name: str, **changes: Any) -> Report:
    data = {**json.loads(recorded("grype", name)), **changes}
    listing = json.loads(recorded("grype", "eol-app-cyclonedx-json.json"))
    text = json.dumps({"matches": data, "packages": listing})
    return GRYPE.read(text, image(data["source"]["target"]["imageID"]), "0.120.0")


def test_trivy_tells_packages_vulnerabilities_and_the_end_of_the_distribution() -> None:
    found = of_trivy("image-eol-app-json.json")
    assert len(found.packages) == 7
    assert found.distribution == "debian 9.13"
    assert found.end_of_life is True
    assert of_trivy("image-good-app-json.json").end_of_life is None


def test_trivy_counts_one_claim_per_package() -> None:
    found = of_trivy("image-bad-app-vuln-only-json.json")
    assert len(found.claims) == 40
    assert found.end_of_life is False
    [axios] = [claim for claim in found.claims if claim.package.name == "axios"]
    assert axios.names == ("CVE-2019-10742", "GHSA-42xw-2xvc-qx8m")
    assert axios.severities == {"ghsa": Severity.HIGH, "nvd": Severity.HIGH}
    assert (axios.fixes, axios.state, axios.vendor) == (("0.18.1",), FixState.FIXED, "ghsa")
    assert axios.paths == ("app/node_modules/axios/package.json",)
    assert {claim.state for claim in found.claims} == set(FixState)
    assert any(set(claim.severities.values()) == {Severity.UNKNOWN} for claim in found.claims)


def test_trivy_tells_licences() -> None:
    found = of_trivy("image-bad-app-license.json")
    assert ("WTFPL", "left-pad") in [(licence.name, licence.package) for licence in found.licences]


def test_grype_tells_what_is_exploited_and_how_likely() -> None:
    found = of_grype("bad-app-json.json")
    assert len(found.claims) == 39
    looney = [claim for claim in found.claims if "CVE-2023-4911" in claim.names]
    assert all(claim.exploited and claim.epss == 1234 for claim in looney)
    [django] = [claim for claim in found.claims if "GHSA-6r97-cj55-9hrq" in claim.names]
    assert django.names == ("CVE-2019-14234", "GHSA-6r97-cj55-9hrq")
    assert django.severities == {"ghsa": Severity.CRITICAL, "nvd": Severity.CRITICAL}
    assert json.loads(django.spelled) == ["python", "django", "2.2"]


def test_grype_says_the_end_of_a_distribution_or_nothing() -> None:
    assert of_grype("eol-nominor-app-json.json").end_of_life is True
    assert of_grype("bad-app-json.json").end_of_life is None
    assert len(of_grype("bad-app-json.json").packages) == 7


def test_grype_with_a_configuration_of_somebody_else_is_refused() -> None:
    with pytest.raises(ScannerError, match="left findings out") as caught:
        of_grype("eol-app-ignore-states.json")
    assert caught.value.trouble is Trouble.INVALID


def test_packages_of_a_distribution_that_nothing_names_are_not_clean() -> None:
    listing = json.loads(recorded("grype", "eol-app-cyclonedx-json.json"))
    for component in listing["components"]:
        if {"name": "syft:package:type", "value": "deb"} in component.get("properties", []):
            # What syft writes of the same image without os-release.
            component.pop("purl", None)
    data = json.loads(recorded("grype", "bad-app-json.json"))
    text = json.dumps({"matches": data, "packages": listing})
    with pytest.raises(ScannerError, match="distribution that nothing names") as caught:
        GRYPE.read(text, image(data["source"]["target"]["imageID"]), "0.120.0")
    assert caught.value.trouble is Trouble.NO_DISTRIBUTION


def test_dockle_tells_its_checks_and_counts_them() -> None:
    found = Dockle().read(recorded("dockle", "bad-app-json.json"), image(), "0.4.15")
    assert found.tried == 16
    by_rule = {check.rule: check for check in found.checks}
    assert by_rule["CIS-DI-0001"].severity is Severity.MEDIUM
    assert by_rule["CIS-DI-0010"].severity is Severity.HIGH
    assert "*******" in by_rule["CIS-DI-0010"].details[2]


def test_dockle_skips_are_no_findings() -> None:
    found = Dockle().read(recorded("dockle", "empty-app-json.json"), image(), "0.4.15")
    assert found.notes
    assert not {note.split()[0] for note in found.notes} & {check.rule for check in found.checks}


@pytest.mark.parametrize(
    ("paths", "suspected"),
    [
        (["usr/lib/python3/dist-packages/h2/settings.py"], None),
        (["app/settings.py"], ["app/settings.py"]),
        (["opt/site-packages/h2/settings.py", "opt/site-packages/id_rsa"], ["opt/site-packages/id_rsa"]),
        (["opt/site-packages/settings.py"], ["opt/site-packages/settings.py"]),
    ],
    ids=["module", "application", "both", "no-package"],
)
def test_a_module_of_a_package_is_not_suspected_by_its_name(
    paths: list[str], suspected: list[str] | None
) -> None:
    report = json.loads(recorded("dockle", "bad-app-json.json"))
    said = 'Suspicious filename found : {0} (You can suppress it with "-af {1}")'
    for row in report["details"]:
        if row["code"] == "CIS-DI-0010":
            row["alerts"] = [said.format(path, path.rpartition("/")[2]) for path in paths]
    found = Dockle().read(json.dumps(report), image(), "0.4.15")
    told = {check.rule: check.details for check in found.checks}
    assert any("modules" in note for note in found.notes) is (suspected is None)
    expected = [said.format(path, path.rpartition("/")[2]) for path in suspected or []]
    assert list(told.get("CIS-DI-0010", ())) == expected


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"details": []}, Trouble.INVALID),
        ({"summary": {"fatal": 0, "warn": 0, "info": 0, "skip": 0, "pass": 0}, "details": []}, Trouble.EMPTY),
        ({"details": [{"level": "LOUD", "code": "X"}]}, Trouble.INVALID),
    ],
)
def test_dockle_that_does_not_add_up_is_refused(change: dict[str, Any], trouble: Trouble) -> None:
    text = json.dumps({**json.loads(recorded("dockle", "bad-app-json.json")), **change})
    with pytest.raises(ScannerError) as caught:
        Dockle().read(text, image(), "0.4.15")
    assert caught.value.trouble is trouble


@pytest.fixture
def dockerfile(tmp_path: Path) -> Input:
    path = tmp_path / "copy"
    path.write_text("FROM debian:12\nUSER root\n")
    return Input(Kind.DOCKERFILE, path, "", "api/Dockerfile")


def test_hadolint_tells_lines_of_the_file_that_was_named(dockerfile: Input) -> None:
    found = Hadolint().read(recorded("hadolint", "bad-json.json"), dockerfile, "2.15.1")
    by_rule = {check.rule: check for check in found.checks}
    assert by_rule["DL4000"].severity is Severity.HIGH
    assert by_rule["DL3009"].severity is Severity.LOW
    assert (by_rule["DL3064"].path, by_rule["DL3064"].line) == ("api/Dockerfile", 3)


def test_hadolint_finds_a_broken_file_broken(dockerfile: Input) -> None:
    [check] = Hadolint().read(recorded("hadolint", "syntax-error.json"), dockerfile, "2.15.1").checks
    assert (check.rule, check.severity) == ("DL1000", Severity.HIGH)


def test_a_dockerfile_without_content_is_not_clean(dockerfile: Input) -> None:
    dockerfile.path.write_text("# nothing\n")
    with pytest.raises(ScannerError, match="no FROM") as caught:
        Hadolint().read(recorded("hadolint", "empty-file.json"), dockerfile, "2.15.1")
    assert caught.value.trouble is Trouble.EMPTY


@pytest.mark.parametrize("adapter", [TRIVY, GRYPE, Dockle(), Hadolint()])
@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", Trouble.EMPTY),
        ("  \n", Trouble.EMPTY),
        ('{"SchemaVersion": 2, "Results": [{"Pack', Trouble.TRUNCATED),
        ('[{"code": "DL30', Trouble.TRUNCATED),
        ("Usage: trivy image [flags]\n", Trouble.INVALID),
        ('"a text"', Trouble.INVALID),
        ("{}", Trouble.INVALID),
        ("[" * 100_000, Trouble.INVALID),
    ],
)
def test_what_is_no_report_is_never_clean(
    adapter: Adapter, text: str, trouble: Trouble, dockerfile: Input
) -> None:
    with pytest.raises(ScannerError) as caught:
        adapter.read(text, Input(Kind.IMAGE, dockerfile.path, "sha256:1", "app"), "1.0.0")
    assert caught.value.trouble is trouble


@pytest.mark.parametrize("adapter", [TRIVY, GRYPE])
def test_a_report_about_another_image_is_refused(adapter: Adapter) -> None:
    text = recorded("trivy", "image-good-app-json.json")
    if adapter is GRYPE:
        matches = json.loads(recorded("grype", "good-app-json.json"))
        text = json.dumps({"matches": matches, "packages": {"bomFormat": "CycloneDX"}})
    with pytest.raises(ScannerError) as caught:
        adapter.read(text, image("sha256:" + "0" * 64), "1.0.0")
    assert caught.value.trouble is Trouble.FOREIGN


@pytest.mark.parametrize(
    ("adapter", "recording", "trouble"),
    [
        (TRIVY, "image-bad-app-timeout", Trouble.TIMEOUT),
        (TRIVY, "no-db", Trouble.NO_DATABASE),
        (TRIVY, "no-db-skip-update", Trouble.NO_DATABASE),
        (TRIVY, "corrupt-db", Trouble.CORRUPT_DATABASE),
        (TRIVY, "truncated-tar", Trouble.REFUSED),
        (GRYPE, "db-missing", Trouble.NO_DATABASE),
        (GRYPE, "db-no-import-json", Trouble.NO_DATABASE),
        (GRYPE, "db-stale", Trouble.STALE_DATABASE),
        (GRYPE, "db-checksum-mismatch", Trouble.CORRUPT_DATABASE),
        (GRYPE, "db-truncated", Trouble.CORRUPT_DATABASE),
        (GRYPE, "db-garbage", Trouble.CORRUPT_DATABASE),
        (GRYPE, "truncated-tar", Trouble.REFUSED),
        (Hadolint(), "missing-file", Trouble.REFUSED),
    ],
)
def test_recorded_errors_are_told_apart(adapter: Adapter, recording: str, trouble: Trouble) -> None:
    stderr = recorded(adapter.name, f"{recording}.stderr.txt")
    with pytest.raises(ScannerError) as caught:
        adapter.judge(Output(1, "", stderr, Path("absent")), image(), "1.0.0")
    assert caught.value.trouble is trouble
    assert "\x1b" not in caught.value.said


def test_dockle_tells_its_errors_on_standard_output() -> None:
    stdout = recorded("dockle", "truncated-tar.txt")
    with pytest.raises(ScannerError, match="unexpected EOF") as caught:
        Dockle().judge(Output(1, stdout, "", Path("absent")), image(), "0.4.15")
    assert caught.value.trouble is Trouble.REFUSED


@pytest.mark.parametrize(
    ("rc", "stderr", "trouble", "said"),
    [
        (-11, "", Trouble.CRASHED, "SIGSEGV"),
        (139, "", Trouble.CRASHED, "SIGSEGV"),
        (-9, "", Trouble.CRASHED, "SIGKILL"),
        (2, "panic: runtime error: index out of range\n", Trouble.CRASHED, "panic"),
        (2, "fatal error: runtime: out of memory\n", Trouble.CRASHED, "out of memory"),
        (2, "panic: assertion failed: Page expected to be: 3\n", Trouble.CORRUPT_DATABASE, "panic"),
        (1, "", Trouble.REFUSED, "it said nothing"),
        (0, recorded("trivy", "image-good-app-image-config.stderr.txt"), Trouble.ERROR_TEXT, "Falling back"),
    ],
)
def test_an_exit_code_alone_is_not_believed(rc: int, stderr: str, trouble: Trouble, said: str) -> None:
    with pytest.raises(ScannerError, match=said) as caught:
        TRIVY.judge(Output(rc, "", stderr, Path("absent")), image(), "0.74.0")
    assert caught.value.trouble is trouble


@pytest.mark.parametrize(
    ("adapter", "said", "version"),
    [
        (TRIVY, "Version: 0.74.0\nVulnerability DB:\n  Version: 2\n", "0.74.0"),
        (GRYPE, '{"application": "grype", "version": "0.120.0"}', "0.120.0"),
        (GRYPE, recorded("grype", "version-json.json"), ""),
        (Dockle(), recorded("dockle", "version.txt"), "0.4.15"),
        (Hadolint(), recorded("hadolint", "version.txt"), "2.15.1"),
        (GRYPE, "no json", ""),
    ],
)
def test_a_version_is_read_or_not_known(adapter: Adapter, said: str, version: str) -> None:
    assert adapter.read_version(said) == version


@pytest.mark.parametrize("adapter", [TRIVY, GRYPE, Dockle(), Hadolint()])
def test_a_scanner_is_told_to_stay_offline_and_to_ignore_nothing(adapter: Adapter) -> None:
    words = " ".join(adapter.arguments(image(), Path("report.json"), 60))
    assert not {"--ignorefile", "--ignore", "--exit-code"} & set(words.split())
    told = {**adapter.environment(), "words": words}
    if adapter.has_database:
        assert "--skip-db-update" in words or told["GRYPE_DB_AUTO_UPDATE"] == "false"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=30,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=JSON)
@pytest.mark.parametrize("adapter", [TRIVY, GRYPE, Dockle(), Hadolint()])
def test_whatever_a_scanner_says_is_a_report_or_refused(
    adapter: Adapter, document: Any, dockerfile: Input
) -> None:
    item = Input(Kind.SBOM, dockerfile.path, "", "app")
    path = dockerfile.path.with_name("report.json")
    whole = {"SchemaVersion": 2, **document} if isinstance(document, dict) else document
    path.write_text(json.dumps(whole))
    path.with_suffix(".packages").write_text(json.dumps({"bomFormat": "CycloneDX", "components": []}))
    with contextlib.suppress(ScannerError):
        assert adapter.judge(Output(0, json.dumps(whole), "", path), item, "1.0.0").version == "1.0.0"


def test_a_report_is_kept_and_read_back_whole() -> None:
    for found in (of_trivy("image-bad-app-vuln-only-json.json"), of_grype("bad-app-json.json")):
        assert Report.of(json.loads(json.dumps(found.as_data()))) == found
