# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings, policies and exceptions for tests of the gate, and scanners that crash, hang and lie."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._scan import purl
from ansible_collections.rampart.k8s.plugins.module_utils._scan.clock import Clock
from ansible_collections.rampart.k8s.plugins.module_utils._scan.exceptions import Exemption, Scope
from ansible_collections.rampart.k8s.plugins.module_utils._scan.merge import merge
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import (
    Claim,
    Fact,
    FixState,
    Kind,
    Report,
)
from ansible_collections.rampart.k8s.plugins.module_utils._scan.policy import Policy
from ansible_collections.rampart.k8s.plugins.module_utils._scan.severity import Severity
from ansible_collections.rampart.k8s.plugins.module_utils._scan.verdict import Case
from ansible_collections.rampart.k8s.tests.support.images import layer

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "scan"
LIBC = purl.Purl("deb", "debian/libc6", "2.36-9")
LAYERS = [layer({"etc/os-release": b"ID=debian\n"})]
FINDING = {
    "VulnerabilityID": "CVE-2026-0001",
    "PkgName": "libc6",
    "InstalledVersion": "2.36-9",
    "PkgIdentifier": {"PURL": "pkg:deb/debian/libc6@2.36-9"},
    "FixedVersion": "2.36-10",
    "Status": "fixed",
    "Severity": "HIGH",
    "SeveritySource": "debian",
    "VendorSeverity": {"debian": 3},
}


def recorded(tool: str, name: str) -> str:
    """Read what a real tool once printed."""
    return (FIXTURES / tool / name).read_text(encoding="utf-8")


def claim(
    name: str = "CVE-2026-0001",
    level: Severity = Severity.HIGH,
    fix: str = "2.36-10",
    package: purl.Purl = LIBC,
    **more: Any,
) -> Claim:
    fields: dict[str, Any] = {
        "names": (name,),
        "package": package,
        "severities": {"debian": level},
        "vendor": "debian",
        "state": FixState.FIXED if fix else FixState.NONE,
        "fixes": (fix,) if fix else (),
        "spelled": str(package),
    }
    return Claim(**{**fields, **more})


def report(*claims: Claim, scanner: str = "trivy", **more: Any) -> Report:
    packages = {one.package for one in claims} | {LIBC}
    return Report(scanner, "1.0.0", tuple(sorted(packages)), claims, **more)


def case(*claims: Claim, policy: Policy | None = None, **more: Any) -> Case:
    """Return a case in which trivy made these claims and all other scanners found nothing."""
    reports = more.pop("reports", [report(*claims)])
    fields: dict[str, Any] = {
        "fact": Fact(Kind.IMAGE, DIGEST, user="65534"),
        "merged": merge(reports),
        "policy": policy or Policy(required_scanners=("trivy",)),
        "exemptions": (),
        "clock": Clock(),
        "now": NOW,
        "ran": frozenset(one.scanner for one in reports),
    }
    return Case(**{**fields, **more})


def exemption(**more: Any) -> Exemption:
    fields: dict[str, Any] = {
        "id": "CVE-2026-0001",
        "rule": "",
        "policy": "",
        "scope": Scope(purl=LIBC),
        "owner": "ann",
        "approver": "bob",
        "reason": "not reachable from outside",
        "link": "https://example.test/risk/1",
        "created": date(2026, 11, 1),
        "expires": date(2026, 12, 31),
    }
    return Exemption(**{**fields, **more})


def entry(**more: Any) -> dict[str, Any]:
    """Return an exception as it stands in the file."""
    fields: dict[str, Any] = {
        "id": "CVE-2026-0001",
        "scope": {"purl": "pkg:deb/debian/libc6@2.36-9"},
        "owner": "ann",
        "approver": "bob",
        "reason": "not reachable from outside",
        "link": "https://example.test/risk/1",
        "created": date(2026, 11, 1),
        "expires": date(2026, 12, 31),
    }
    return {name: value for name, value in {**fields, **more}.items() if value is not None}


def trivy_database(folder: Path, built: datetime) -> Path:
    """Write what is read of trivy's database; no scanner of these tests reads the rest."""
    (folder / "db").mkdir(parents=True)
    (folder / "db/metadata.json").write_text(
        json.dumps({"Version": 2, "UpdatedAt": built.isoformat(), "NextUpdate": built.isoformat()})
    )
    (folder / "db/trivy.db").write_bytes(b"bolt")
    return folder


def grype_database(folder: Path, built: datetime) -> Path:
    """Write what is read of grype's database."""
    (folder / "6").mkdir(parents=True)
    (folder / "6/import.json").write_text("{}")
    with closing(sqlite3.connect(folder / "6/vulnerability.db")) as database:
        database.execute("create table db_metadata (build_timestamp, model, revision, addition)")
        database.execute("insert into db_metadata values (?, 6, 1, 10)", [built.isoformat(sep=" ")])
        database.commit()
    return folder


# A scanner for fault injection. It says the right version and does what its file of orders says.
FAKE = """\
#!{python}
import json, os, pathlib, signal, subprocess, sys, tarfile, time
here = pathlib.Path({folder!r})
name = {name!r}
arguments = sys.argv[1:]
if "version" in arguments or "--version" in arguments:
    print({version!r})
    raise SystemExit(0)
with open(here / "started", "a") as log:
    log.write(name + "\\n")
orders = json.loads((here / "orders.json").read_text()).get(name, {{}})
network = [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]
(here / (name + ".network")).write_text(json.dumps(network))
if "allocate" in orders:
    held = bytearray(orders["allocate"] * 1024 * 1024)
(here / (name + ".environment")).write_text(json.dumps(dict(os.environ)))
image = next((a.partition("=")[2] or a.partition(":")[2] or a for a in arguments if ".tar" in a), "")
digest = ""
if image:
    with tarfile.open(image) as archive:
        digest = "sha256:" + json.load(archive.extractfile("manifest.json"))[0]["Config"][:64]
packages = orders.get("packages", ["pkg:deb/debian/libc6@2.36-9"])
if name == "trivy":
    report = {{"SchemaVersion": 2,
        "Metadata": {{"ImageID": digest, "OS": {{"Family": "debian", "Name": "12"}}}},
        "Results": [{{"Packages": [{{"Identifier": {{"PURL": p}}}} for p in packages],
                      "Vulnerabilities": orders.get("findings", [])}}]}}
elif name == "grype":
    report = {{"matches": orders.get("findings", []), "source": {{"target": {{"imageID": digest}}}}}}
else:
    report = {{"summary": {{"fatal": 0, "warn": 0, "info": 0, "skip": 0, "pass": 16}}, "details": []}}
if "digest" in orders:
    report = json.loads(json.dumps(report).replace(digest, orders["digest"]))
text = orders.get("text", json.dumps(report))
for argument in arguments:
    option, _, value = argument.partition("=")
    if option == "--output":
        form, _, path = value.partition("=")
        if form == "cyclonedx-json":
            pathlib.Path(path).write_text(json.dumps({{"bomFormat": "CycloneDX",
                "components": [{{"purl": p}} for p in packages]}}))
        else:
            pathlib.Path(path or form).write_text(text)
if "touch" in orders:
    pathlib.Path(orders["touch"]).write_bytes(pathlib.Path(orders["with"]).read_bytes())
if "child" in orders:
    child = subprocess.Popen(["sleep", "600"])
    (here / "child").write_text(str(child.pid))
if "sleep" in orders:
    time.sleep(orders["sleep"])
if "signal" in orders:
    os.kill(os.getpid(), getattr(signal, orders["signal"]))
print(orders.get("said", ""), file=sys.stderr)
raise SystemExit(orders.get("rc", 0))
"""

VERSIONS = {
    "trivy": "Version: 0.74.0",
    "grype": '{"version": "0.120.0"}',
    "dockle": "dockle version 0.4.15",
}


class Fakes:
    """Scanners that do as they are told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = {}
        for name, version in VERSIONS.items():
            path = folder / name
            path.write_text(
                FAKE.format(python=sys.executable, folder=str(folder), name=name, version=version)
            )
            path.chmod(0o755)
            self.programs[name] = str(path)
        self.order()

    def order(self, **orders: dict[str, Any]) -> None:
        """Say what each does from now on."""
        (self.folder / "orders.json").write_text(json.dumps(orders))

    @property
    def started(self) -> list[str]:
        """Which were run to judge, in order."""
        log = self.folder / "started"
        return log.read_text().split() if log.exists() else []

    def environment(self, name: str) -> dict[str, str]:
        """What a scanner saw of the world."""
        found: dict[str, str] = json.loads((self.folder / f"{name}.environment").read_text())
        return found

    def network(self, name: str) -> list[str]:
        """Which interfaces a scanner saw."""
        found: list[str] = json.loads((self.folder / f"{name}.network").read_text())
        return found


def arguments(folder: Path, fakes: Fakes, images: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the arguments of image_scan for a folder of its own, with fresh databases."""
    built = datetime.now(UTC) - timedelta(hours=2)
    for name, make in (("trivy", trivy_database), ("grype", grype_database)):
        if not (folder / name).exists():
            make(folder / name, built)
    return {
        "images": images,
        "programs": fakes.programs,
        "scanners": ["trivy", "grype", "dockle"],
        "trivy_database": str(folder / "trivy"),
        "grype_database": str(folder / "grype"),
        "cache_dir": str(folder / "cache"),
        "state_dir": str(folder / "state"),
        "timeout": 30,
        **more,
    }


def named(answer: dict[str, Any]) -> list[str]:
    """Name what shut the gate."""
    return [row["name"] for row in answer["images"][0]["violations"]]
