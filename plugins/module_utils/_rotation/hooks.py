# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Asks workloads to load a new secret, and whether all is well, in the way that each of them declares."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.rampart.k8s.plugins.module_utils._consumers import workloads
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.graph import Consumer
from ansible_collections.rampart.k8s.plugins.module_utils._consumers.workloads import Hook
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._kube import access
from ansible_collections.rampart.k8s.plugins.module_utils._kube.access import Permission
from ansible_collections.rampart.k8s.plugins.module_utils._rotation.shop import Shop
from ansible_collections.rampart.k8s.plugins.module_utils._secrets import names

TIMEOUT = 30.0


def probe_of(consumer: Consumer) -> Hook | None:
    """Return how a consumer says that it should be asked whether all is well."""
    if consumer.workload is None:
        return None
    annotations = workloads.annotations_of(consumer.workload)
    return workloads.hook(annotations, names.PROBE, str(consumer))[1]


def permissions(namespace: str, hook: Hook) -> list[Permission]:
    """Return what it takes to do what a hook says."""
    if hook.is_certificate:
        return access.permissions(namespace, ("", "pods/portforward", ("get", "create")))
    if hook.is_request:
        verb = {"GET": "get", "POST": "create"}[hook.method]
        return access.permissions(namespace, ("", "pods/proxy", (verb,)))
    return access.permissions(namespace, ("", "pods/exec", ("get", "create")))


def run(shop: Shop, hook: Hook, pod: Mapping[str, Any], what: str) -> None:
    """Do what a hook says in one pod; what it answers is not shown, since nobody knows what is in it."""
    name = pod["metadata"]["name"]
    if hook.is_request:
        _request(shop, hook, name, what)
        return
    ended = shop.shell.run(shop.store.namespace, name, _container(hook, pod), hook.command, timeout=TIMEOUT)
    if ended.code != 0:
        why = ended.refused or f"it ended with code {ended.code}"
        raise RampartError(
            f"The {what} of Pod {shop.store.namespace}/{name} failed: {why}.",
            next_step=f"run it by hand: {command(shop.store.namespace, hook, pod)}",
        )


def _container(hook: Hook, pod: Mapping[str, Any]) -> str:
    return str(hook.container or pod["spec"]["containers"][0]["name"])


def command(namespace: str, hook: Hook, pod: Mapping[str, Any]) -> str:
    """Return the command by which a person does what a hook says."""
    name = pod["metadata"]["name"]
    if hook.is_request:
        verb, body = {"GET": ("get", ""), "POST": ("create", " -f /dev/null")}[hook.method]
        return f"kubectl {verb} --raw {shlex.quote(_path(namespace, hook, name))}{body}"
    program = shlex.join(hook.command)
    return f"kubectl -n {namespace} exec {name} -c {_container(hook, pod)} -- {program}"


def _path(namespace: str, hook: Hook, name: str) -> str:
    scheme = "https:" if hook.scheme == "https" else ""
    return (
        f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/"
        f"{scheme}{quote(name, safe='')}:{hook.port}/proxy{hook.path}"
    )


def _request(shop: Shop, hook: Hook, name: str, what: str) -> None:
    answer = shop.store.client.transport.send(hook.method, _path(shop.store.namespace, hook, name))
    if answer.status >= 300:
        raise RampartError(
            f"The {what} of Pod {shop.store.namespace}/{name} answered {answer.status} to {hook.method} "
            f"{hook.path} at port {hook.port}.",
            next_step="look into the log of the pod; the API server has to reach this port",
        )
