# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What minikube will find on this machine: a Docker daemon, the network, capabilities, image names."""

from __future__ import annotations

import os
import platform
import urllib.error
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from ansible.module_utils.urls import open_url
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import Minikube, answers_at

PROBE_SECONDS = 4.0

# The words of Go, which minikube and Kubernetes use, for those of the kernel.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# What minikube downloads from: its node image, the images of Kubernetes, the programs.
SOURCES = ("https://gcr.io/v2/", "https://registry.k8s.io/v2/", "https://dl.k8s.io/")


def lacking_capabilities(status: str, last: str) -> list[int]:
    """Return the capabilities that this process could never get, from /proc/self/status."""
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return [number for number in range(int(last) + 1) if not mask >> number & 1]


def parse_images(listing: str) -> list[dict[str, str]]:
    """Read `kubeadm config images list`; name each image and its file in minikube's cache."""
    images = []
    for reference in listing.split():
        repository, separator, tag = reference.rpartition(":")
        if not separator or "/" in tag:
            raise RampartError(
                f"kubeadm names an image without a tag: {reference}.",
                next_step="check that kubeadm is the one of this Kubernetes version",
            )
        images.append(
            {
                "name": repository.rpartition("/")[2],
                "repository": repository,
                "tag": tag,
                "reference": reference,
                "cache_file": f"{repository}_{tag}",
            }
        )
    return images


def reachable(url: str) -> bool:
    """Whether a server answers at all; a refusal is an answer."""
    try:
        with open_url(url, timeout=PROBE_SECONDS):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def all_reachable(urls: Iterable[str], probe: Callable[[str], bool] = reachable) -> bool:
    """Ask all at once, so that a network without an answer costs one time-out."""
    with ThreadPoolExecutor() as pool:
        return all(pool.map(probe, urls))


def is_air_gapped(
    choice: Literal["auto", "true", "false"],
    config: dict[str, Any] | None,
    node_image: str,
    probe: Callable[[], bool] = lambda: all_reachable(SOURCES),
) -> bool:
    """Decide whether everything has to be made here. A profile stays what it was made as."""
    if choice != "auto":
        return choice == "true"
    if config is not None:
        return str(config.get("KicBaseImage", "")).startswith(f"{node_image}:")
    return not probe()


def docker_daemon(given: str, own: str, own_data: Path, config: Path) -> dict[str, Any]:
    """Choose the daemon: the machine's own when it answers, else one that the role starts.

    Once the role has started one for a cluster, the cluster's node is in there and stays there.
    """
    machine = given or os.environ.get("DOCKER_HOST", "") or "unix:///var/run/docker.sock"
    if own_data.is_dir() or not answers_at(machine, config):
        return {"own": True, "host": own, "answers": answers_at(own, config)}
    return {"own": False, "host": machine, "answers": True}


def look(
    minikube: Minikube,
    profile: str,
    air_gapped: Literal["auto", "true", "false"],
    node_image: str,
    kubeadm: Path,
) -> dict[str, Any]:
    """Collect what the role decides on; nothing is written."""
    config = None
    if minikube.installed and minikube.places.home.is_dir():
        config = minikube.configuration(profile)[1]
    proc = Path("/proc")
    lacking = lacking_capabilities(
        (proc / "self/status").read_text(), (proc / "sys/kernel/cap_last_cap").read_text()
    )
    images: list[dict[str, str]] = []
    version = ""
    if kubeadm.is_file():
        # Given the version it does not ask the internet for the newest one.
        tool = Cli(str(kubeadm))
        version = f"v{tool.version('version', '--output=short')}"
        images = parse_images(tool.run("config", "images", "list", f"--kubernetes-version={version}").stdout)
    return {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "minikube_version": f"v{minikube.version()}" if minikube.installed else "",
        "exists": config is not None,
        "state": "absent" if config is None else minikube.status(profile),
        "profile_version": str((config or {}).get("KubernetesConfig", {}).get("KubernetesVersion", "")),
        "air_gapped": is_air_gapped(air_gapped, config, node_image),
        "lacking_capabilities": lacking,
        "kubernetes_version": version,
        "images": images,
    }
