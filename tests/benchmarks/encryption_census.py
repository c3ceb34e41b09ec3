# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The census on many values: what it takes in time and memory."""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.decide import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.operation import EncryptionConfig
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.rig import Rig

SECRETS = "/api/v1/namespaces/default/secrets"


def census(endpoint: str) -> dict[str, Any]:
    """Take a census in a process of its own, so that its memory is its own as well."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--census", endpoint],
        stdout=subprocess.PIPE,
        env=environment,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def measure(endpoint: str) -> None:
    """Print what one census took."""
    started = time.monotonic()
    answer = call("encryption_census_info", {"endpoint": endpoint, "resources": ["secrets"]})
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "wall_s": round(time.monotonic() - started, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "rss_mb": used.ru_maxrss // 1024,
    }
    print(json.dumps({**figures, **{name: answer[name] for name in ("verdict", "values", "history_values")}}))


def main() -> None:
    """Fill an API server step by step and take a census at each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.encryption_census", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--bytes", type=int, default=1000, help="size of each secret")
    parser.add_argument("--census", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.census:
        measure(arguments.census)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.yaml")
        operation = EncryptionConfig(str(path), Wanted(("secrets",), "secretbox"), None, Redactor())
        operation.apply(operation.plan())
        flags = (f"--encryption-provider-config={path}", "--enable-priority-and-fairness=false")
        with Rig(api_flags=flags) as rig, ThreadPoolExecutor(8) as pool:
            client = Client(Connection(str(rig.kubeconfig)), Redactor())
            data = {"value": base64.b64encode(os.urandom(arguments.bytes)).decode()}

            def make(number: int) -> None:
                body = {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": f"s-{number}"},
                    "data": data,
                }
                client.call("POST", SECRETS, body=body)

            there = 0
            for count in arguments.counts:
                list(pool.map(make, range(there, count)))
                there = count
                print(json.dumps({"secrets": count, **census(rig.etcd_endpoint)}), flush=True)


if __name__ == "__main__":
    main()
