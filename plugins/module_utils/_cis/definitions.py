# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Makes kube-bench look at one cluster: its processes by their numbers, its files by their paths.

kube-bench finds processes by name, which mixes up two clusters of a machine, and looks for some
files under fixed paths. Only where a check looks is changed here. What it tests, its words and
whether it counts come from kube-bench's own definitions untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import PROGRAMS, Process
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Definition
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.libraries import yaml

TARGETS = ("master", "etcd", "controlplane", "node")
# Answered from the API by our own checks; kube-bench's scripts start kubectl once per object.
POLICIES = "policies"
ALL = (*TARGETS, POLICIES)

_BY_NAME = re.compile(
    r"(?:/bin/)?ps -ef \| (?:/bin/)?grep (?:\$(?P<component>\w+?)bin|(?P<name>kubelet))"
    r"(?: \| (?:/bin/)?grep -v (?:grep|apiserver))?"
    r"|/bin/ps -fC \$(?P<only>\w+?)bin"
)

# Looks below a folder for names with etcd in them; the file that defines the service is named here.
_FOUND_FILE = re.compile(r"find \$etcdconf -name '\*etcd\*' \| xargs (stat -c \S+?)(?=[;\s'])")

# Prints nothing and reads nothing.
_NOTHING = "true"

# This check cuts words out of the encryption configuration; on one line with its provider it would
# cut out the key as well. Our own check answers the control.
_NOT_ASKED = ("1.2.28",)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise RampartError(
            f"Could not read kube-bench's definitions {path}: {getattr(error, 'strerror', None) or error}.",
            next_step="install kube-bench with its definitions (role rampart.k8s.tools does)",
        ) from error


def checks(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every check of a definition file."""
    for group in data.get("groups") or []:
        yield from group.get("checks") or []


def controls(folder: Path, benchmark: str, target: str) -> list[Definition]:
    """Return the controls that a definition file asks."""
    found = [
        Definition(str(check["id"]), str(check["text"]), " ".join(str(check.get("remediation", "")).split()))
        for check in checks(_read(folder / benchmark / f"{target}.yaml"))
    ]
    if not found:
        raise RampartError(
            f"kube-bench's definitions {folder / benchmark} hold no control for {target}.",
            next_step="install kube-bench with its definitions (role rampart.k8s.tools does)",
        )
    return found


def redirect(audit: str, processes: Mapping[str, Process], paths: Mapping[str, str]) -> str:
    """Make one audit command look at the cluster's own process and files."""

    def by_number(found: re.Match[str]) -> str:
        component = found["component"] or found["only"] or found["name"]
        process = processes.get(component)
        return f"/bin/ps -ww -o args= -p {process.pid}" if process else _NOTHING

    audit = _FOUND_FILE.sub(r"\1 $etcdconf", _BY_NAME.sub(by_number, audit))
    for old, new in sorted(paths.items(), key=lambda pair: -len(pair[0])):
        audit = audit.replace(old, new)
    if re.search(r"\bps -(ef|C|fC)\b", audit):
        raise RampartError(
            f"A check of kube-bench looks for processes in a way that is not known here: {audit}",
            next_step="use the kube-bench version that rampart.k8s.tools pins, and report this",
        )
    return audit


def render(
    folder: Path,
    benchmark: str,
    targets: tuple[str, ...],
    processes: Mapping[str, Process],
    paths: Mapping[str, str],
) -> dict[str, str]:
    """Return the definition files for one cluster, by their path in a configuration folder."""
    files = {}
    for target in targets:
        data = _read(folder / benchmark / f"{target}.yaml")
        for check in checks(data):
            for part in ("audit", "audit_config"):
                if check.get(part):
                    asked = check["id"] not in _NOT_ASKED
                    check[part] = redirect(str(check[part]), processes, paths) if asked else _NOTHING
        files[f"{benchmark}/{target}.yaml"] = yaml.safe_dump(data, sort_keys=False, width=10000)
    return files


def configuration(benchmark: str, targets: tuple[str, ...], files: Mapping[str, str]) -> str:
    """Return kube-bench's config.yaml: every component with the one path that is right here."""

    def component(name: str) -> dict[str, Any]:
        options: dict[str, Any] = {"bins": [PROGRAMS[name]]} if name in PROGRAMS else {}
        for option, key in (
            ("confs", "conf"),
            ("kubeconfig", "kubeconfig"),
            ("svc", "svc"),
            ("cafile", "cafile"),
            ("datadirs", "datadir"),
        ):
            path = files.get(f"{name}_{key}")
            if path:
                options |= {option: [path], f"default{key}": path}
        # Our own look at the processes has settled what runs.
        return {**options, "optional": True}

    parts = {
        "master": ("apiserver", "scheduler", "controllermanager", "etcd", "kubelet"),
        "etcd": ("etcd",),
        "controlplane": ("apiserver",),
        "node": ("kubelet", "proxy"),
    }
    data: dict[str, Any] = {
        target: {"components": list(names), **{name: component(name) for name in names}}
        for target, names in parts.items()
    }
    data["target_mapping"] = {benchmark: list(targets)}
    return yaml.safe_dump(data, sort_keys=False)
