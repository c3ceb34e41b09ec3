# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""A control plane of its own on a snapshot: restored, started, asked, and cleared away."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._backup.children import running
from ansible_collections.rampart.k8s.plugins.module_utils._backup.folder import MODE, SCRATCH
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import Cli
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.files import write_atomic
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._encryption.servers import READY
from ansible_collections.rampart.k8s.plugins.module_utils._generate.key_pairs import new, private_pem
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 5.0
# It is started on nothing and serves nobody: its peers are never called.
_NOBODY = "http://localhost:2380"

_SUM = "expected sha256"
_COUNT = re.compile(r'"Count"\s*:\s*(\d+)')


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of a control plane, of the versions that the cluster has."""

    etcd: str
    etcdctl: str
    etcdutl: str
    api_server: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Etcd:
    """Where the restored etcd is, and how many keys it says that it held at the revision of the backup."""

    address: str
    keys: int


class Workplace:
    """Holds the restored copy and the programs that run on it."""

    def __init__(self, data: Path, sockets: Path, tools: Tools, redactor: Redactor) -> None:
        self._data = data
        self._sockets = sockets
        self._tools = tools
        self._redactor = redactor

    def _cli(self, program: str) -> Cli:
        return Cli(program, redactor=self._redactor, timeout=self._tools.timeout)

    def refusal(self, snapshot: Path) -> str | None:
        """Change one byte in a copy; return why etcd refuses that, None when it takes it."""
        changed = self._data / "changed.db"
        shutil.copyfile(snapshot, changed)
        place = changed.stat().st_size // 2
        with changed.open("r+b") as stream:
            stream.seek(place)
            byte = stream.read(1)
            stream.seek(place)
            stream.write(bytes([byte[0] ^ 1]))
        done = self._cli(self._tools.etcdutl).run(
            "snapshot", "restore", str(changed), f"--data-dir={self._data / 'changed'}", accept=range(256)
        )
        changed.unlink()
        shutil.rmtree(self._data / "changed", ignore_errors=True)
        if done.rc == 0:
            return None
        return "its sum" if _SUM in done.stderr else f"etcdutl ended with code {done.rc}"

    def revision(self, snapshot: Path) -> int:
        """Return the last write in the file, by etcd's own tool."""
        done = self._cli(self._tools.etcdutl).run("snapshot", "status", str(snapshot), "--write-out=json")
        try:
            return int(done.json()["revision"])
        except (LookupError, TypeError, ValueError) as error:
            raise RampartError("etcdutl does not say the revision of the snapshot.") from error

    def restore(self, snapshot: Path) -> None:
        """Restore the snapshot, as one would in earnest."""
        self._cli(self._tools.etcdutl).run(
            "snapshot", "restore", str(snapshot), f"--data-dir={self._data / 'etcd'}"
        )

    @contextmanager
    def etcd(self, revision: int) -> Iterator[Etcd]:
        """Run an etcd on what was restored; only who may enter the folder reaches its socket."""
        address = f"unix://{self._sockets}/etcd.sock"
        argv = [
            self._tools.etcd,
            f"--data-dir={self._data / 'etcd'}",
            f"--listen-client-urls={address}",
            f"--advertise-client-urls={address}",
            f"--listen-peer-urls=unix://{self._sockets}/peer.sock",
            f"--initial-advertise-peer-urls={_NOBODY}",
            f"--initial-cluster=default={_NOBODY}",
            "--log-level=warn",
            # The copy is thrown away.
            "--unsafe-no-fsync",
        ]
        asked = self._cli(self._tools.etcdctl)

        def ready() -> bool:
            if not (self._sockets / "etcd.sock").exists():
                return False
            return asked.run(f"--endpoints={address}", "endpoint", "health", accept=range(256)).rc == 0

        with running(argv, self._data / "etcd.log", ready, self._tools.timeout):
            # As of that revision, since the first leases end while it runs. One that it has not is an error.
            done = asked.run(
                f"--endpoints={address}",
                *("get", "", "--prefix", "--count-only", "--write-out=fields", f"--rev={revision}"),
            )
            found = _COUNT.search(done.stdout)
            if not found:
                raise RampartError("The restored etcd does not say how many keys it holds.")
            yield Etcd(address, int(found[1]))

    @contextmanager
    def api_server(self, etcd: Etcd, prefix: str, config_path: str) -> Iterator[Client]:
        """Run an API server on a restored etcd, with the encryption configuration of the living cluster."""
        data, port, token = self._data, _free_port(), secrets.token_hex(32)
        self._redactor.add(token)
        write_atomic(data / "tokens.csv", f"{token},rampart-backup,,system:masters\n".encode(), mode=MODE)
        write_atomic(data / "accounts.key", private_pem(new("rsa-2048")), mode=MODE)
        kubeconfig = data / "kubeconfig"
        document = {
            "current-context": "restored",
            "contexts": [{"name": "restored", "context": {"cluster": "restored", "user": "restored"}}],
            "clusters": [
                {
                    "name": "restored",
                    "cluster": {
                        "server": f"https://{LOOPBACK}:{port}",
                        "certificate-authority": str(data / "certificates" / "apiserver.crt"),
                    },
                }
            ],
            "users": [{"name": "restored", "user": {"token": token}}],
        }
        write_atomic(kubeconfig, json.dumps(document).encode(), mode=MODE)
        argv = [
            self._tools.api_server,
            f"--etcd-servers={etcd.address}",
            f"--etcd-prefix={prefix}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            # It makes a certificate for itself.
            f"--cert-dir={data / 'certificates'}",
            f"--token-auth-file={data / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--service-account-issuer=https://{LOOPBACK}",
            f"--service-account-key-file={data / 'accounts.key'}",
            f"--service-account-signing-key-file={data / 'accounts.key'}",
            # Nobody is to find it.
            "--endpoint-reconciler-type=none",
            f"--encryption-provider-config={config_path}",
            "--profiling=false",
        ]

        def ready() -> bool:
            try:
                client = self._client(kubeconfig)
                with client.transport.within(ANSWER_SECONDS):
                    return client.transport.send("GET", READY).status == 200
            except (RampartError, OSError):
                # It does not listen yet, or has no certificate yet.
                return False

        with running(argv, data / "api-server.log", ready, self._tools.timeout):
            yield self._client(kubeconfig)

    def _client(self, kubeconfig: Path) -> Client:
        return Client(Connection(str(kubeconfig), request_timeout=ANSWER_SECONDS), self._redactor)


def _free_port() -> int:
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        return int(held.getsockname()[1])


@contextmanager
def workplace(folder: Path, tools: Tools, redactor: Redactor) -> Iterator[Workplace]:
    """Make room beside the backups, where as much space and as much secrecy is as these need."""
    with (
        tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as data,
        # The path of a socket has to be short.
        tempfile.TemporaryDirectory(prefix="rampart-") as sockets,
    ):
        yield Workplace(Path(data), Path(sockets), tools, redactor)
