# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that must stay secret comes out of any playbook, however loud it is asked to be (fault case 54)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import encodings

from tests.leaks import channels, secrets
from tests.support import plays
from tests.support.helm import CHART
from tests.support.programs import tool

PLANTED = "rampart-leak-canary-7d1f4c"
# What a release is given that nobody may see, and what a container prints that has been given a Secret.
TOKEN = "rampart-leak-canary-3e9b02"
RELEASE: dict[str, Any] = {
    "name": "probe",
    "namespace": "dev",
    "chart": str(CHART),
    "values": {"image": "{{ cluster_layout_probe_image }}", "secret": "planted"},
    "secret_values": {"token": TOKEN},
}
# Its log is its own; what is told of it is not.
PRINTS = "dev_probe-"
INCIDENT = ("--extra-vars=" + json.dumps({"secrets_incident_namespaces": ["dev"]}),)
# By its name where it is packed, by its path where it is not.
MODULE = re.compile(r"(?:rampart\.k8s\.|plugins/modules/)([a-z_]+)")
MODULES = (
    "access_verify",
    "admission_verify",
    "cis_benchmark",
    "cluster_host",
    "cluster_pki",
    "cluster_summary_info",
    "config_files",
    "config_versions",
    "encryption_config",
    "encryption_verify",
    "endpoint_verify",
    "helm_deploy",
    "helm_package",
    "helm_verify",
    "image_assemble",
    "image_base",
    "image_budget",
    "image_build",
    "image_sbom",
    "image_scan",
    "image_sign",
    "image_verify",
    "manifest_apply",
    "minikube_load",
    "network_verify",
    "pod_security_check",
    "preflight_check",
    "quota_check",
    "release_version",
    "scan_databases",
    "secret_rotate",
    "secret_scan",
    "secrets_info",
    "signing_keys",
    "source_verify",
    "supervised_programs",
    "token_verify",
    "tool_install",
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="embedded clusters need root")


@dataclass(slots=True)
class Witness:
    """All that the run let out, by channel, and all that it should have kept."""

    output: dict[str, str] = field(default_factory=dict)
    heard: list[bytes] | None = None
    processes: set[bytes] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def channels(self) -> Iterator[tuple[str, bytes]]:
        """Yield each channel's name and all that came through it."""
        for name, text in self.output.items():
            yield f"output of {name}", text.encode()
        yield "system log", b"\n".join(self.heard or [])
        yield "arguments and environments", b"\n".join(self.processes)
        yield from self.files.items()


def play(state: Path, playbook: str, *arguments: str, fails: bool = False) -> str:
    """Run a playbook as loud as it can be and return all that it said; it must end as expected."""
    variables = {
        "cluster_name": "leaks",
        "cluster_index": 61,
        "cluster_state_dir": str(state),
        "cluster_reset_confirm": True,
    }
    done = plays.play("inventories/local", playbook, variables, "-vvvv", "--diff", *arguments)
    said = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, said[-6000:]
    return said


def releases(base: Path) -> Iterator[tuple[str, str]]:
    """Deliver secret values, and let a container crash that prints the Secret that it was given."""
    variables = base / "release.json"
    for behaviour in ("serve", "crash"):
        release = {**RELEASE, "values": {**RELEASE["values"], "behaviour": behaviour}}
        # Whatever stands in its arguments, Ansible itself prints.
        variables.write_text(json.dumps({"helm_deploy_releases": [release]}))
        fails = behaviour == "crash"
        said = play(base, "deploy_release", f"--extra-vars=@{variables}", fails=fails)
        assert ("and that was verified" in said) is fails
        yield f"deploy_release, {behaviour}", said


def plant(kubeconfig: Path) -> None:
    """Put a Secret into an environment, as an application would have it there when a playbook comes by."""
    argv = [str(tool("kubectl")), f"--kubeconfig={kubeconfig}", "apply", "--server-side", "--filename=-"]
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "planted", "namespace": "dev"},
        "stringData": {"password": PLANTED},
    }
    subprocess.run(argv, input=json.dumps(manifest), text=True, check=True, capture_output=True, timeout=60)


def held(cluster: Path, when: str) -> dict[str, str]:
    """Read what must not come out, by its name."""
    found = dict(secrets.on_disk(cluster)) | dict(
        secrets.in_cluster(tool("kubectl"), cluster / "admin.kubeconfig")
    )
    found["passphrase of the signing keys"] = (cluster.parent / "signing.passphrase").read_text().strip()
    return {f"{name} {when}": value for name, value in found.items()}


@pytest.fixture(scope="module")
def witness() -> Iterator[Witness]:
    """Take a cluster through its life and keep what came out."""
    base = Path(tempfile.mkdtemp(prefix="rl-", dir="/var/tmp"))
    seen = Witness()
    cluster = base / "leaks"
    try:
        with channels.system_log() as heard, channels.processes() as processes:
            seen.output["site, check mode, empty machine"] = play(base, "site", "--check")
            seen.output["site"] = play(base, "site")
            plant(cluster / "admin.kubeconfig")
            seen.output["site, check mode, running"] = play(base, "site", "--check")
            seen.output["verify"] = play(base, "verify")
            seen.secrets = held(cluster, "before the rotation")
            seen.output["rotate"] = play(base, "rotate")
            seen.output["rotate_incident"] = play(base, "rotate_incident", *INCIDENT)
            seen.output["secret_scan"] = play(base, "secret_scan")
            seen.output |= dict(releases(base))
            seen.output["cluster_stop"] = play(base, "cluster_stop")
            seen.output["cluster_start"] = play(base, "cluster_start")
            seen.output["cluster_status"] = play(base, "cluster_status")
            seen.secrets |= held(cluster, "at the end")
            for folder in ("logs", "data/etcd", "evidence"):
                for path in (path for path in (cluster / folder).rglob("*") if path.is_file()):
                    if path.is_relative_to(cluster / "logs/pods") and path.parts[-3].startswith(PRINTS):
                        continue
                    seen.files[str(path.relative_to(cluster))] = path.read_bytes()
            seen.output["cluster_reset"] = play(base, "cluster_reset")
        seen.heard, seen.processes = heard, processes
        yield seen
    finally:
        if cluster.exists():
            play(base, "cluster_reset")
        shutil.rmtree(base, ignore_errors=True)


def test_the_canaries_are_there(witness: Witness) -> None:
    """Without secrets to look for, and channels to look at, nothing was proved."""
    kinds = " ".join(witness.secrets)
    for expected in (
        "ca.key",
        "service-account.key",
        "etcd-client.key",
        "config.yaml value",
        "Secret dev/planted",
        "passphrase of the signing keys",
        "Secret dev/probe-token token",
        "Secret dev/jwt-signing jwks.json 5 before the rotation",
        "Secret dev/backend-database password 0 before the rotation",
        "Secret dev/backend-database password 0 at the end",
    ):
        assert expected in kinds
    assert all(len(value) >= 8 for value in witness.secrets.values())
    assert any(b"kube-apiserver" in started for started in witness.processes)
    assert any("audit.log" in name for name in witness.files)
    if witness.heard is not None:
        assert any(b"Invoked with" in message for message in witness.heard)


def test_nothing_secret_came_out(witness: Witness) -> None:
    forms = {form.encode(): name for name, value in witness.secrets.items() for form in encodings(value)}
    out = [
        f"{name} in {channel}"
        for channel, content in witness.channels()
        for form, name in forms.items()
        if form in content
    ]
    assert sorted(set(out)) == []


def test_every_module_of_the_way_was_seen(witness: Witness) -> None:
    """Without the modules that make, move and read secrets the silence would prove nothing."""
    loud = {name for text in witness.output.values() for name in MODULE.findall(text)}
    assert set(MODULES) - loud == set()
