# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts and ends the components of the test rig."""

from __future__ import annotations

import base64
import ctypes
import datetime
import json
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from cryptography.hazmat.primitives import serialization

from tests.rig import pki
from tests.support.programs import tool

HOST = "127.0.0.1"
START_TIMEOUT = 240.0
PR_SET_PDEATHSIG = 1
CLONE_NEWUTS = 0x04000000
API = "kube-apiserver"

# What the API server renews for itself all the time.
OWN_LEASES = ("/registry/leases/kube-system/apiserver-", "/registry/peerserverleases/")
FIRST_OBJECTS = {
    *(
        f"/registry/namespaces/{name}"
        for name in ("default", "kube-node-lease", "kube-public", "kube-system")
    ),
    "/registry/configmaps/kube-system/extension-apiserver-authentication",
    "/registry/configmaps/kube-system/kube-apiserver-legacy-service-account-token-tracking",
    "/registry/services/specs/default/kubernetes",
    "/registry/priorityclasses/system-node-critical",
    "/registry/clusterroles/system:kube-controller-manager",
}

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


class MissingToolError(Exception):
    """A program of the rig is not installed."""


def _tool(name: str) -> str:
    found = tool(name)
    if not found.exists():
        raise MissingToolError(f"{found} is missing: run the role rampart.k8s.tools or set RAMPART_TOOLS_BIN")
    return str(found)


def _free_ports(count: int) -> list[int]:
    # All are held at once, so that they differ.
    held = [socket.socket() for _unused in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def _end_with_parent(hostname: str = "") -> None:
    # A test run that is killed must not leave servers behind.
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # API servers tell each other apart by the names of their machines.
    if hostname and libc.unshare(CLONE_NEWUTS) == 0:
        socket.sethostname(hostname)


class Rig:
    """One API server with its own etcd; several need root, which gives each a machine's name of its own.

    In ``api_flags``, ``{name}`` stands for the name of the API server. One that is ``kept`` is started
    again whenever it ends, as a kubelet would do.
    """

    def __init__(
        self,
        *,
        controllers: bool = False,
        durable: bool = False,
        api_flags: tuple[str, ...] = (),
        manager_flags: tuple[str, ...] = (),
        etcd_flags: tuple[str, ...] = (),
        servers: int = 1,
        kept: bool = False,
    ) -> None:
        self._controllers = controllers
        self._durable = durable
        self._api_flags = api_flags
        self._manager_flags = manager_flags
        self._etcd_flags = etcd_flags
        self._kept = kept
        self.api_names = [API, *(f"{API}-{number}" for number in range(2, servers + 1))]
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._commands: dict[str, list[str]] = {}
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def __enter__(self) -> Rig:
        tools = ["etcd", API] + ["kube-controller-manager"] * self._controllers
        self._tools = {name: _tool(name) for name in tools}
        self._tools |= dict.fromkeys(self.api_names, self._tools[API])
        self.folder = Path(tempfile.mkdtemp(prefix="rampart-rig-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_unused: object) -> None:
        self._ended.set()
        for name in list(self._children):
            self.kill(name)
        shutil.rmtree(self.folder)

    @property
    def audit_log(self) -> Path:
        """Where the API server notes what it answered."""
        return self.folder / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the administrator."""
        return self.folder / "admin.kubeconfig"

    def _start(self) -> None:
        client, peer, manager, *api = _free_ports(3 + len(self.api_names))
        self.servers = {
            name: f"https://{HOST}:{port}" for name, port in zip(self.api_names, api, strict=True)
        }
        self.server = self.servers[API]
        self.etcd_endpoint = f"http://{HOST}:{client}"
        self.authority = pki.Authority()
        certificate, key = self.authority.server(HOST)
        accounts = pki.new_key()
        self._write("ca.crt", self.authority.pem)
        self._write("ca.key", pki.key_pem(self.authority.key))
        self._write("api.crt", certificate)
        self._write("api.key", key)
        self._write("accounts.key", pki.key_pem(accounts))
        self._write(
            "accounts.pub",
            accounts.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ),
        )
        self._write("audit-policy.json", json.dumps(AUDIT_POLICY).encode())
        self._write_kubeconfig(self.kubeconfig, "admin", ("system:masters",), pki.LIFETIME)
        self._commands = {
            "etcd": [
                f"--data-dir={self.folder}/etcd",
                f"--listen-client-urls={self.etcd_endpoint}",
                f"--advertise-client-urls={self.etcd_endpoint}",
                f"--listen-peer-urls=http://{HOST}:{peer}",
                f"--initial-advertise-peer-urls=http://{HOST}:{peer}",
                f"--initial-cluster=default=http://{HOST}:{peer}",
                "--log-level=warn",
                *([] if self._durable else ["--unsafe-no-fsync"]),
                *self._etcd_flags,
            ],
            **{name: self._api_command(name, port) for name, port in zip(self.api_names, api, strict=True)},
            "kube-controller-manager": [
                # A name of its own, so that the audit log tells its work from that of the tests.
                f"--kubeconfig={self.kubeconfig_for('controllers', 'system:masters')}",
                f"--secure-port={manager}",
                f"--bind-address={HOST}",
                "--leader-elect=false",
                f"--service-account-private-key-file={self.folder}/accounts.key",
                f"--root-ca-file={self.folder}/ca.crt",
                *self._manager_flags,
            ],
        }
        self.start("etcd")
        self._await("etcd", self.etcd_endpoint + "/health")
        for name in self.api_names:
            self.start(name)
        self.wait_ready()
        self._await_first_objects()
        if self._controllers:
            self.start("kube-controller-manager")
        if self._kept:
            threading.Thread(target=self._keep, daemon=True).start()

    def _api_command(self, name: str, port: int) -> list[str]:
        return [
            f"--etcd-servers={self.etcd_endpoint}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/24",
            f"--tls-cert-file={self.folder}/api.crt",
            f"--tls-private-key-file={self.folder}/api.key",
            f"--client-ca-file={self.folder}/ca.crt",
            f"--service-account-issuer={self.server}",
            f"--service-account-key-file={self.folder}/accounts.pub",
            f"--service-account-signing-key-file={self.folder}/accounts.key",
            "--authorization-mode=RBAC",
            # As every cluster has it: policies decide about privileged pods.
            "--allow-privileged=true",
            # Without controllers nobody makes the ServiceAccount that every pod needs.
            *([] if self._controllers else ["--disable-admission-plugins=ServiceAccount"]),
            f"--audit-policy-file={self.folder}/audit-policy.json",
            f"--audit-log-path={self.audit_log if name == API else self.folder / f'audit-{name}.log'}",
            "--profiling=false",
            *(flag.replace("{name}", name) for flag in self._api_flags),
        ]

    def start(self, name: str) -> None:
        """Start a component that is not running."""
        log = (self.folder / f"{name}.log").open("ab")
        hostname = name if name in self.api_names[1:] else ""
        with log, self._lock:
            self._children[name] = subprocess.Popen(
                [self._tools[name], *self._commands[name]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=partial(_end_with_parent, hostname),
            )
            (self.folder / f"{name}.pid").write_text(str(self._children[name].pid))

    def kill(self, name: str) -> None:
        """End a component at once, as a crash would; the API server's own end takes a minute."""
        with self._lock:
            child = self._children.pop(name)
            child.kill()
            child.wait()

    def _keep(self) -> None:
        """Start API servers again that have ended."""
        while not self._ended.wait(0.05):
            with self._lock:
                for name in self.api_names:
                    child = self._children.get(name)
                    if child is not None and child.poll() is not None and not self._ended.is_set():
                        self.start(name)

    def restart(self, name: str) -> None:
        """End a component as a crash would and start it again."""
        with self._lock:
            self.kill(name)
            self.start(name)

    def restart_command(self, name: str) -> list[str]:
        """Return the command that ends a kept API server, which is then started again."""
        return ["sh", "-c", f"kill -9 $(cat {self.folder / f'{name}.pid'})"]

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a component (SIGSTOP makes it a server that does not answer)."""
        self._children[name].send_signal(number)

    def wait_ready(self) -> None:
        """Wait until every API server answers."""
        for name, server in self.servers.items():
            self._await(name, server + "/readyz")

    def _await(self, name: str, url: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        pool = urllib3.PoolManager(ca_certs=str(self.folder / "ca.crt"), retries=False, timeout=5)
        while time.monotonic() < deadline:
            code = self._children[name].poll()
            if code is not None and not self._kept:
                tail = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{name} ended with code {code}: {tail}")
            try:
                if pool.request("GET", url).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{name} did not become ready in {START_TIMEOUT:g} s")

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)

    def kubeconfig_for(self, user: str, *groups: str, lifetime: datetime.timedelta = pki.LIFETIME) -> Path:
        """Write a kubeconfig for a user in some groups; a negative lifetime makes an expired one."""
        path = self.folder / f"{user}.kubeconfig"
        self._write_kubeconfig(path, user, groups, lifetime)
        return path

    def _write_kubeconfig(
        self, path: Path, user: str, groups: tuple[str, ...], lifetime: datetime.timedelta
    ) -> None:
        certificate, key = self.authority.user(user, *groups, lifetime=lifetime)
        text = {name: base64.b64encode(pem).decode() for name, pem in
                (("ca", self.authority.pem), ("certificate", certificate), ("key", key))}  # fmt: skip
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "rig",
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": user}}],
            "clusters": [
                {"name": "rig", "cluster": {"server": self.server, "certificate-authority-data": text["ca"]}}
            ],
            "users": [
                {
                    "name": user,
                    "user": {"client-certificate-data": text["certificate"], "client-key-data": text["key"]},
                }
            ],
        }
        self._write(path.name, json.dumps(document, indent=1).encode())

    def mark(self) -> int:
        """Remember the present end of the audit log."""
        return self.audit_log.stat().st_size

    def audit(self, since: int = 0) -> list[dict[str, Any]]:
        """Return what the API server has answered, without its own requests."""
        with self.audit_log.open("rb") as stream:
            stream.seek(since)
            events = [json.loads(line) for line in stream]
        return [event for event in events if event["user"]["username"] != "system:apiserver"]

    def stored(self) -> dict[str, int]:
        """Return all keys of etcd with the revision of their last write; equal means no write at all.

        The leases that the API server renews for itself are left out.
        """
        # All keys from /registry/ to /registry0 (the next text after it).
        keys = {name: base64.b64encode(key).decode() for name, key in
                (("key", b"/registry/"), ("range_end", b"/registry0"))}  # fmt: skip
        answer = urllib3.request(
            "POST", f"{self.etcd_endpoint}/v3/kv/range", json={**keys, "keys_only": True}, timeout=10
        )
        found = {
            base64.b64decode(entry["key"]).decode(): int(entry["mod_revision"])
            for entry in answer.json().get("kvs", [])
        }
        return {key: revision for key, revision in found.items() if not key.startswith(OWN_LEASES)}

    def _await_first_objects(self) -> None:
        """Wait for what every API server makes for itself; it would look like a write of ours."""
        deadline = time.monotonic() + START_TIMEOUT
        while missing := FIRST_OBJECTS - self.stored().keys():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the API server did not make {missing}")
            time.sleep(0.05)
