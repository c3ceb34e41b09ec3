# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose stored values are encrypted, edited all the time, and looked at in etcd itself."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.config_file import ConfigFile
from ansible_collections.rampart.k8s.plugins.module_utils._kube import status
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import MERGE, Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection
from ansible_collections.rampart.k8s.tests.support.modules import call

from tests.rig import Rig

MODULE = "encryption_rotate"
SECRETS = "/api/v1/namespaces/default/secrets"
# Longer than any test.
PATIENCE = 24 * 3600
RELOADING = "--encryption-provider-config-automatic-reload=true"


class Encrypted:
    """A rig with an encryption configuration, and what tests do with it."""

    def __init__(self, rig: Rig, path: Path) -> None:
        self.rig = rig
        self.path = path
        self.client = self.new_client()

    def new_client(self, server: str | None = None, kubeconfig: Path | None = None) -> Client:
        found = str(kubeconfig or self.rig.kubeconfig)
        return Client(Connection(found, server=server, api_timeout=PATIENCE), Redactor())

    @classmethod
    @contextmanager
    def started(cls, folder: Path, **options: Any) -> Iterator[Encrypted]:
        """Start a rig that encrypts secrets from the first one on; API servers are kept."""
        path = folder / "encryption" / "config.yaml"
        wanted = {"path": str(path), **options.pop("config", {})}
        assert call("encryption_config", wanted)["changed"]
        flags = (f"--encryption-provider-config={path}", RELOADING, *options.pop("api_flags", ()))
        with Rig(api_flags=flags, kept=True, **options) as rig:
            yield cls(rig, path)

    def arguments(self, **more: Any) -> dict[str, Any]:
        """Return what the module is told; API servers are started anew, since waiting takes minutes."""
        return {
            "kubeconfig": str(self.rig.kubeconfig),
            "config_path": str(self.path),
            "endpoint": self.rig.etcd_endpoint,
            "api_servers": [
                {"server": url, "restart": self.rig.restart_command(name)}
                for name, url in self.rig.servers.items()
            ],
            "reload": "restart",
            # Its own start takes seconds; a machine that is busy with other things takes its time.
            "reload_timeout": 300,
            **more,
        }

    def rotate(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        """Run the module; what it says never holds a key that was in the file before or after."""
        before = self.keys()
        answer = call(MODULE, self.arguments(**more), check=check, diff=True)
        for secret in before | self.keys():
            assert secret[:16] not in json.dumps(answer)
        return answer

    def rotated(self, **more: Any) -> dict[str, Any]:
        """Run the module, which has something to do and does it."""
        answer = self.rotate(**more)
        assert not answer.get("failed"), answer["msg"]
        assert answer["changed"], answer["reason"]
        return answer

    def rotate_blindly(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        """Run the module on a file that the test itself could not read."""
        return call(MODULE, self.arguments(**more), check=check, diff=True)

    def census(self, **more: Any) -> dict[str, Any]:
        """Ask etcd by the other module."""
        asked = {"endpoint": self.rig.etcd_endpoint, "config_path": str(self.path), **more}
        answer = call("encryption_census_info", asked)
        assert not answer.get("failed"), answer
        return answer

    def config(self, **more: Any) -> dict[str, Any]:
        """Have the file made to what is wanted, and the API server started anew with it."""
        answer = call("encryption_config", {"path": str(self.path), **more})
        assert not answer.get("failed"), answer
        self.rig.restart("kube-apiserver")
        self.rig.wait_ready()
        return answer

    def keys(self) -> set[str]:
        """Return the key material of the file."""
        seen = ConfigFile(self.path, Redactor()).read()
        return {key.secret for key in seen.configuration.all_keys()} if seen else set()

    def shown(self) -> list[list[str]]:
        """Return the providers of each entry."""
        seen = ConfigFile(self.path, Redactor()).require()
        return [entry["providers"] for entry in seen.configuration.shown()]

    def names(self) -> list[str]:
        """Return the names of the keys in the file, in order."""
        seen = ConfigFile(self.path, Redactor()).require()
        return [key.name for key in seen.configuration.all_keys()]

    def fill(self, count: int, size: int = 100) -> None:
        """Make secrets."""
        data = {"value": base64.b64encode(b"x" * size).decode(), "edits": base64.b64encode(b"0").decode()}

        def make(number: int) -> None:
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"s-{number}"}, "data": data}
            self.client.call("POST", SECRETS, body=body)

        self.client.map(make, range(count))

    def raw(self, under: str = "/registry/secrets/") -> dict[str, bytes]:
        """Read values from etcd itself."""
        end = under[:-1] + chr(ord(under[-1]) + 1)
        asked = {
            name: base64.b64encode(text.encode()).decode()
            for name, text in (("key", under), ("range_end", end))
        }
        answer = urllib3.request("POST", f"{self.rig.etcd_endpoint}/v3/kv/range", json=asked, timeout=60)
        return {
            base64.b64decode(pair["key"]).decode(): base64.b64decode(pair["value"])
            for pair in answer.json().get("kvs", [])
        }

    def prefixes(self, under: str = "/registry/secrets/") -> Counter[str]:
        """Count what stands in front of the values, up to the last colon of the envelope."""
        found: Counter[str] = Counter()
        for value in self.raw(under).values():
            parts = value.split(b":", 5)
            found[b":".join(parts[:5]).decode() if value.startswith(b"k8s:enc:") else "plain"] += 1
        return found

    def put(self, key: str, value: bytes) -> None:
        """Write into etcd past the API server."""
        self._write("put", key=key.encode(), value=value)

    def delete(self, key: str) -> None:
        """Remove a key from etcd past the API server."""
        self._write("deleterange", key=key.encode())

    def _write(self, call: str, **parts: bytes) -> None:
        asked = {name: base64.b64encode(part).decode() for name, part in parts.items()}
        answer = urllib3.request("POST", f"{self.rig.etcd_endpoint}/v3/kv/{call}", json=asked, timeout=10)
        assert answer.status == 200


class Editor:
    """Edits secrets all the time, as clients do, and knows afterwards whether an edit was lost."""

    def __init__(
        self, cluster: Encrypted, count: int, rate: float = 20.0, kubeconfig: Path | None = None
    ) -> None:
        self._cluster = cluster
        self._kubeconfig = kubeconfig
        self._names = [f"s-{number}" for number in range(count)]
        self._pause = 1 / rate
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.edits: Counter[str] = Counter()
        self.refused: list[str] = []

    def __enter__(self) -> Editor:
        servers: Sequence[str] = list(self._cluster.rig.servers.values())
        self._threads = [
            threading.Thread(target=self._edit, args=(self._names[place :: len(servers)], server))
            for place, server in enumerate(servers)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _edit(self, names: Sequence[str], server: str) -> None:
        client = self._cluster.new_client(server, self._kubeconfig)
        order = itertools.cycle(names)
        while not self._ended.wait(self._pause * len(self._threads)):
            name = next(order)
            number = self.edits[name] + 1
            body = {"data": {"edits": base64.b64encode(str(number).encode()).decode()}}
            try:
                with client.transport.within(60):
                    client.call("PATCH", f"{SECRETS}/{name}", body=body, content_type=MERGE)
            except status.ApiError as error:
                self.refused.append(error.message)
            except RampartError:
                # The API server was away; whether the edit came through does not matter, it is made again.
                time.sleep(self._pause)
            else:
                self.edits[name] = number

    def lost(self) -> dict[str, tuple[int, int]]:
        """Return the secrets that do not hold their last edit."""
        items, _version = self._cluster.client.list_all(SECRETS)
        found = {item["metadata"]["name"]: int(base64.b64decode(item["data"]["edits"])) for item in items}
        return {
            name: (number, found.get(name, -1))
            for name, number in self.edits.items()
            if found.get(name) != number
        }
