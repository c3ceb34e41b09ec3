# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""What the fields of the source k8s_audit mean: where each stands in an event of the audit log. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import Field

# None is a field that the event does not have.
Value: TypeAlias = "str | list[str] | None"
Event = Mapping[str, Any]

_PLAIN: dict[str, tuple[str, ...]] = {
    "ka.auditid": ("auditID",),
    "ka.stage": ("stage",),
    "ka.auth.decision": ("annotations", "authorization.k8s.io/decision"),
    "ka.auth.reason": ("annotations", "authorization.k8s.io/reason"),
    "ka.auth.openshift.decision": ("annotations", "authentication.openshift.io/decision"),
    "ka.auth.openshift.username": ("annotations", "authentication.openshift.io/username"),
    "ka.validations.admission.policy.failure": (
        "annotations",
        "validation.policy.admission.k8s.io/validation_failure",
    ),
    "ka.security.pod.violations": ("annotations", "pod-security.kubernetes.io/audit-violations"),
    "ka.cluster.name": ("annotations", "cluster_name"),
    "ka.user.name": ("user", "username"),
    "ka.user.groups": ("user", "groups"),
    "ka.impuser.name": ("impersonatedUser", "username"),
    "ka.verb": ("verb",),
    "ka.uri": ("requestURI",),
    "ka.useragent": ("userAgent",),
    "ka.sourceips": ("sourceIPs",),
    "ka.target.name": ("objectRef", "name"),
    "ka.target.namespace": ("objectRef", "namespace"),
    "ka.target.resource": ("objectRef", "resource"),
    "ka.target.subresource": ("objectRef", "subresource"),
    "ka.req.binding.subjects": ("requestObject", "subjects"),
    "ka.req.binding.role": ("requestObject", "roleRef", "name"),
    "ka.req.configmap.name": ("objectRef", "name"),
    "ka.req.configmap.obj": ("requestObject", "data"),
    "ka.req.pod.host_ipc": ("requestObject", "spec", "hostIPC"),
    "ka.req.pod.host_network": ("requestObject", "spec", "hostNetwork"),
    "ka.req.container.host_network": ("requestObject", "spec", "hostNetwork"),
    "ka.req.pod.host_pid": ("requestObject", "spec", "hostPID"),
    "ka.req.pod.run_as_user": ("requestObject", "spec", "securityContext", "runAsUser"),
    "ka.req.pod.run_as_group": ("requestObject", "spec", "securityContext", "runAsGroup"),
    "ka.req.pod.fs_group": ("requestObject", "spec", "securityContext", "fsGroup"),
    "ka.req.pod.supplemental_groups": ("requestObject", "spec", "securityContext", "supplementalGroups"),
    "ka.req.role.rules": ("requestObject", "rules"),
    "ka.req.role.rules.apiGroups": ("requestObject", "rules", "*", "apiGroups"),
    "ka.req.role.rules.nonResourceURLs": ("requestObject", "rules", "*", "nonResourceURLs"),
    "ka.req.role.rules.verbs": ("requestObject", "rules", "*", "verbs"),
    "ka.req.role.rules.resources": ("requestObject", "rules", "*", "resources"),
    "ka.req.service.type": ("requestObject", "spec", "type"),
    "ka.req.service.ports": ("requestObject", "spec", "ports", "*"),
    "ka.req.pod.volumes.hostpath": ("requestObject", "spec", "volumes", "*", "hostPath", "path"),
    "ka.req.pod.volumes.flexvolume_driver": ("requestObject", "spec", "volumes", "*", "flexVolume", "driver"),
    "ka.resp.name": ("responseObject", "metadata", "name"),
    "ka.response.code": ("responseStatus", "code"),
    "ka.response.reason": ("responseStatus", "reason"),
}
# Below each of a pod's lists of containers.
_CONTAINER: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "image": ("image",),
    "privileged": ("securityContext", "privileged"),
    "allow_privilege_escalation": ("securityContext", "allowPrivilegeEscalation"),
    "read_only_fs": ("securityContext", "readOnlyRootFilesystem"),
    "run_as_user": ("securityContext", "runAsUser"),
    "run_as_group": ("securityContext", "runAsGroup"),
    "proc_mount": ("securityContext", "procMount"),
    "add_capabilities": ("securityContext", "capabilities", "add"),
}
_KINDS = {"user_names": "User", "group_names": "Group", "serviceaccount_names": "ServiceAccount"}


def value(field: Field, event: Event) -> Value:
    """Return what a field says of an event."""
    if field.name in _SPECIAL:
        return _SPECIAL[field.name](event, field.argument or "")
    parts = field.name.split(".")
    if parts[:3] == ["ka", "req", "pod"] and parts[3].lower().endswith("containers"):
        return _container(event, parts[3], ".".join(parts[4:]), field.argument)
    if field.name.startswith("ka.req.binding.subjects."):
        return _subjects(event, parts[-1])
    if field.name in _PLAIN:
        return _texts(_found(event, _PLAIN[field.name], field.argument))
    return None


def _found(data: Any, path: tuple[str, ...], index: str | None = None) -> Any:
    """Walk down; ``*`` means all of a list, or the one of the index."""
    for number, key in enumerate(path):
        if key == "*":
            every = data if isinstance(data, list) else []
            chosen = every if index is None else every[int(index) : int(index) + 1]
            found = [_found(each, path[number + 1 :]) for each in chosen]
            flat = [one for each in found for one in (each if isinstance(each, list) else [each])]
            return [each for each in flat if each is not None]
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _text(data: Any) -> str:
    return data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))


def _texts(data: Any) -> Value:
    if data is None:
        return None
    return [_text(each) for each in data] if isinstance(data, list) else _text(data)


def _container(event: Event, kind: str, what: str, index: str | None) -> Value:
    here = ("requestObject", "spec", kind, "*")
    if _found(event, here[:-1]) is None:
        return None
    if what in _CONTAINER:
        return _texts(_found(event, (*here, *_CONTAINER[what]), index))
    containers = _found(event, here, index)
    if what == "image.repository":
        return [_repository(str(each.get("image", ""))) for each in containers]
    if what in ("command", "args"):
        return [" ".join(map(str, each[what])) for each in containers if each.get(what)] or None
    if what == "host_port":
        ports = [port for each in containers for port in each.get("ports") or []]
        said = [port.get("hostPort", port.get("containerPort")) for port in ports]
        return [_text(each) for each in said if each is not None]
    own = {"eff_run_as_user": "runAsUser", "eff_run_as_group": "runAsGroup"}.get(what)
    if own is None:
        return None
    pods = _found(event, ("requestObject", "spec", "securityContext", own))
    each_own = [_found(each, ("securityContext", own)) for each in containers]
    return [_text(next((one for one in (mine, pods) if one is not None), 0)) for mine in each_own]


def _repository(image: str) -> str:
    """Return the name of an image without tag and digest; a registry may have a port."""
    folder, slash, name = image.partition("@")[0].rpartition("/")
    return f"{folder}{slash}{name.partition(':')[0]}"


def _subjects(event: Event, which: str) -> Value:
    subjects = [
        each for each in _found(event, ("requestObject", "subjects")) or [] if isinstance(each, Mapping)
    ]
    if which == "serviceaccount_ns_names":
        accounts = (each for each in subjects if each.get("kind") == "ServiceAccount")
        return [f"{each.get('namespace')}:{each.get('name')}" for each in accounts]
    return [str(each.get("name")) for each in subjects if each.get("kind") == _KINDS.get(which)]


def _parameter(event: Event, name: str) -> Value:
    said = parse_qs(urlsplit(str(event.get("requestURI", ""))).query).get(name)
    return said[0] if said else None


def _pod(event: Event, _argument: str) -> Value:
    about = event.get("objectRef") or {}
    if about.get("resource") != "pods" or about.get("subresource"):
        return None
    return _texts(_found(event, ("responseObject", "metadata", "name")))


def _volume_types(event: Event, argument: str) -> Value:
    volumes = _found(event, ("requestObject", "spec", "volumes", "*"), argument or None)
    return [key for each in volumes if isinstance(each, Mapping) for key in each if key != "name"]


def _host_path(event: Event, wanted: str) -> Value:
    paths = _found(event, _PLAIN["ka.req.pod.volumes.hostpath"]) or []
    fits = (each.startswith(wanted[:-1]) if wanted.endswith("*") else each == wanted for each in paths)
    return "true" if any(fits) else "false"


def _first(what: str) -> Callable[[Event, str], Value]:
    def first(event: Event, _argument: str) -> Value:
        found = _container(event, "containers", what, "0")
        return found[0] if isinstance(found, list) and found else None

    return first


def _any_privileged(event: Event, _argument: str) -> Value:
    found = _container(event, "containers", "privileged", None)
    return None if found is None else ("true" if "true" in found else "false")


_SPECIAL: dict[str, Callable[[Event, str], Value]] = {
    "evt.source": lambda _event, _argument: "k8s_audit",
    "evt.time.iso8601": lambda event, _argument: _texts(event.get("stageTimestamp")),
    "evt.time": lambda event, _argument: _texts(event.get("stageTimestamp")),
    "ka.uri.param": _parameter,
    "ka.target.pod.name": _pod,
    "ka.req.binding.subject.has_name": lambda _event, _argument: "true",
    "ka.req.container.image": _first("image"),
    "ka.req.container.image.repository": _first("image.repository"),
    "ka.req.container.privileged": _any_privileged,
    "ka.req.pod.volumes.volume_type": _volume_types,
    "ka.req.volume.hostpath": _host_path,
}
