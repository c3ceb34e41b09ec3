# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plants credentials in every channel as people let them slip in, and tells which of them are found."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import fingerprint
from ansible_collections.rampart.k8s.plugins.module_utils._credentials import cluster
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.gitleaks import Gitleaks
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Joined, Text
from ansible_collections.rampart.k8s.plugins.module_utils._policy.workloads import KINDS, Workload

from tests.support.credentials import Planted
from tests.support.layouts import layout
from tests.support.modules import call

Plant = Callable[[Path, Sequence[Planted]], dict[str, Any]]


def git(folder: Path, *arguments: str, message: str | None = None) -> None:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    environment = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": "/dev/null"}
    subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        input=message,
        text=True,
        env=environment,
    )


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "README").write_text("nothing\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "begin")
    return folder


def in_history(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    """Commit the credentials and remove them by the next commit."""
    repo = repository(folder / "repo")
    for number, each in enumerate(planted):
        (repo / f"{number}.conf").write_text(each.text + "\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "configure")
    git(repo, "rm", "-q", "*.conf")
    git(repo, "commit", "-q", "-m", "remove")
    return {"repositories": [str(repo)]}


def in_messages(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    repo = repository(folder / "repo")
    for each in planted:
        git(repo, "commit", "-q", "--allow-empty", "-F", "-", message=f"Fix the deployment\n\n{each.text}\n")
    return {"repositories": [str(repo)]}


def in_tree(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    repo = repository(folder / "repo")
    for number, each in enumerate(planted):
        (repo / f"{number}.conf").write_text(each.text + "\n")
    return {"repositories": [str(repo)]}


def in_files(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    """Write them into one log between other lines."""
    lines = [f"2026-01-01T00:00:{number:02d}Z info {each.text}" for number, each in enumerate(planted)]
    (folder / "app.log").write_text("\n".join(lines) + "\n")
    return {"paths": [str(folder / "app.log")]}


def in_layers(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    """Add them by one layer and delete them by the next."""
    files = {f"app/{number}.conf": f"{each.text}\n".encode() for number, each in enumerate(planted)}
    deleted = {f"app/.wh.{number}.conf": b"" for number, _each in enumerate(planted)}
    layout(folder / "image", [files, deleted], compress=True)
    return {"images": [f"oci:{folder / 'image'}"]}


def in_config(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    """Spread them over environment, labels and history."""
    env = [f"SETTING_{number}={each.text}" for number, each in enumerate(planted) if number % 3 == 0]
    labels = {f"label{number}": each.text for number, each in enumerate(planted) if number % 3 == 1}
    history = [{"created_by": f"RUN {each.text}"} for number, each in enumerate(planted) if number % 3 == 2]
    layout(folder / "image", [{"a": b"a"}], config={"Env": env, "Labels": labels}, history=history)
    return {"images": [f"oci:{folder / 'image'}"]}


def in_chart(folder: Path, planted: Sequence[Planted]) -> dict[str, Any]:
    """Hand them over as values that a template puts into a ConfigMap."""
    templates = folder / "chart" / "templates"
    templates.mkdir(parents=True)
    (folder / "chart" / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n")
    (templates / "config.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata:\n"
        "{{- range $i, $v := .Values.settings }}\n  setting{{ $i }}: |-\n{{ $v | indent 4 }}\n{{- end }}\n"
    )
    (folder / "values.yaml").write_text(json.dumps({"settings": [each.text for each in planted]}))
    return {"charts": [{"chart": str(folder / "chart"), "values": [str(folder / "values.yaml")]}]}


CHANNELS: dict[str, Plant] = {
    "git history (deleted since)": in_history,
    "commit messages": in_messages,
    "uncommitted files": in_tree,
    "logs": in_files,
    "image layers (deleted since)": in_layers,
    "image env, labels, history": in_config,
    "rendered chart": in_chart,
}


def cluster_texts(planted: Sequence[Planted]) -> dict[str, list[Text]]:
    """Put them into objects as the API server would return them."""
    data = {str(number): each.text for number, each in enumerate(planted)}
    metadata = {"name": "app", "namespace": "dev"}
    container = {"name": "app", "env": [{"name": f"S{key}", "value": value} for key, value in data.items()]}
    deployment = {"metadata": metadata, "spec": {"template": {"spec": {"containers": [container]}}}}
    release = {"name": "app", "config": {"settings": data}, "manifest": ""}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    return {
        "ConfigMap": list(cluster.config_map_texts([{"metadata": metadata, "data": data}])),
        "workload env": list(cluster.workload_texts(Workload(KINDS[0], deployment))),
        "Helm release Secret": list(
            cluster.release_texts({"metadata": metadata, "data": {"release": packed}})
        ),
    }


def module_finds(arguments: dict[str, Any], planted: Sequence[Planted]) -> set[str]:
    """Return the kinds that the module finds, told by their fingerprints."""
    with tempfile.TemporaryDirectory() as work:
        key = Path(work) / "key"
        key.write_text("00" * 32)
        key.chmod(0o600)
        answer = call("secret_scan", {**arguments, "report_only": True, "fingerprint_key": str(key)})
    assert not answer.get("failed"), answer["msg"]
    text = json.dumps(answer)
    shown = [each.kind for each in planted if each.secret in text]
    assert not shown, f"the answer shows {shown}"
    by_mark = {fingerprint(bytes(32), each.secret.encode()): each.kind for each in planted}
    marks = {finding["fingerprint"] for finding in answer["findings"]}
    exact = {kind for mark, kind in by_mark.items() if mark in marks}
    # Of a private key the whole block is the credential, however it is indented.
    exact |= {"private_key"} if any(each["rule"] == "private-key" for each in answer["findings"]) else set()
    # A rule may take more for the credential than was planted: then the place tells.
    return exact | located(answer["findings"], planted)


def located(findings: Sequence[dict[str, Any]], planted: Sequence[Planted]) -> set[str]:
    """Tell kinds by the file or line that they alone stand in."""
    found = set()
    for finding in findings:
        name = finding["file"].rpartition("!")[2].rpartition("/")[2]
        for number, each in enumerate(planted):
            alone = {f"{number}.conf", f"SETTING_{number}", f"label{number}"}
            if name in alone or finding["file"].rpartition(" ")[2] in alone:
                found.add(each.kind)
    return found


def texts_found(texts: list[Text], planted: Sequence[Planted]) -> set[str]:
    joined = Joined(texts)
    report = Gitleaks("gitleaks", timeout=60).texts(joined.content)
    names = {joined.locate(int(entry["StartLine"]))[0] for entry in report}
    return {
        each.kind
        for number, each in enumerate(planted)
        for text in texts
        if each.text in text.content and text.name in names
    }
