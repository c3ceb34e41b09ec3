# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Controls about namespaces and what runs in them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import ENFORCE, Object, name
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding, Status
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import (
    Facts,
    answers,
    fails_on,
    some,
    warns_on,
)

_LEVELS = {"privileged": 0, "baseline": 1, "restricted": 2}

# Which level of the Pod Security Standards refuses what the control is about.
_REFUSED_FROM = {
    "5.2.2": "baseline",  # privileged containers
    "5.2.3": "baseline",  # the host's processes
    "5.2.4": "baseline",  # the host's IPC
    "5.2.5": "baseline",  # the host's network
    "5.2.6": "restricted",  # privilege escalation
    "5.2.7": "restricted",  # root
    "5.2.8": "restricted",  # NET_RAW: baseline leaves the runtime's default, which has it
    "5.2.9": "baseline",  # added capabilities
    "5.2.10": "restricted",  # capabilities at all
    "5.2.11": "baseline",  # Windows HostProcess
    "5.2.12": "baseline",  # hostPath
    "5.2.13": "baseline",  # hostPorts
}

# Networks that enforce policies show themselves by their API groups.
_ENFORCING_GROUPS = ("cilium.io", "crd.projectcalico.org", "crd.antrea.io")
_POLICY_GROUPS = ("kyverno.io", "policies.kyverno.io", "templates.gatekeeper.sh", "policy.sigstore.dev")
_STORE_GROUPS = ("external-secrets.io", "secrets-store.csi.x-k8s.io", "secrets.hashicorp.com")


def _default_level(facts: Facts) -> str:
    """Return what Pod Security enforces in a namespace without a label."""
    if facts.host is None:
        # Its files are out of sight; what it does is not.
        return facts.api.default_level
    path = facts.host.flag("apiserver", "admission-control-config-file")
    if not path:
        return "privileged"
    for plugin in facts.host.load(path).get("plugins") or []:
        if plugin.get("name") == "PodSecurity":
            settings = plugin.get("configuration") or {}
            return str((settings.get("defaults") or {}).get("enforce", "privileged"))
    return "privileged"


def _levels(facts: Facts) -> dict[str, str]:
    """Return the enforced level of every namespace that is not the system's."""
    default = _default_level(facts)
    return {
        space["metadata"]["name"]: (space["metadata"].get("labels") or {}).get(ENFORCE, default)
        for space in facts.api.of("namespaces")
        if space["metadata"]["name"] not in facts.system_namespaces
    }


def _admission(facts: Facts, level: str) -> Finding:
    levels = _levels(facts)
    weak = [
        f"Namespace {space} enforces {has}, and only {level} refuses it"
        for space, has in sorted(levels.items())
        if _LEVELS.get(has, 0) < _LEVELS[level]
    ]
    strong = ", ".join(f"{space} ({has})" for space, has in sorted(levels.items()))
    exempt = ", ".join(facts.system_namespaces)
    return fails_on(weak, f"Pod Security refuses it in {strong or 'no namespace yet'}; exempt: {exempt}")


for _control, _level in _REFUSED_FROM.items():
    answers(_control)(partial(_admission, level=_level))


@answers("5.2.1")
def policy_mechanism(facts: Facts) -> Finding:
    """Something decides about pods in every namespace."""
    levels = _levels(facts)
    open_ = [space for space, level in sorted(levels.items()) if _LEVELS.get(level, 0) == 0]
    engines = sorted(set(_POLICY_GROUPS) & facts.api.groups)
    if engines:
        return Finding(Status.PASS, (f"policy engine: {', '.join(engines)}",))
    return fails_on(
        [f"Namespace {space} is privileged and no policy engine is installed" for space in open_],
        f"Pod Security is enforced in {', '.join(levels) or 'every new namespace'}",
    )


@answers("5.3.1")
def network_enforces(facts: Facts) -> Finding:
    """The network is one that enforces policies."""
    found = sorted(set(_ENFORCING_GROUPS) & facts.api.groups)
    if found:
        return Finding(Status.PASS, (f"the network serves {', '.join(found)}",))
    return Finding(Status.FAIL, ("no network that is known to enforce NetworkPolicies is installed",))


@answers("5.3.2")
def network_policies(facts: Facts) -> Finding:
    """Every namespace has policies; one without pods has nothing that could talk."""
    covered = {policy["metadata"]["namespace"] for policy in facts.api.of("networkpolicies")}
    busy = {pod["metadata"]["namespace"] for pod in facts.api.of("pods")}
    spaces = [space["metadata"]["name"] for space in facts.api.of("namespaces")]
    bare = [space for space in spaces if space not in covered and space not in facts.system_namespaces]
    found = [f"Namespace {space} has pods and no NetworkPolicy" for space in bare if space in busy]
    if found:
        return Finding(Status.FAIL, some(found))
    system = [
        f"Namespace {space} of the system has pods and no NetworkPolicy"
        for space in facts.system_namespaces
        if space in busy and space not in covered
    ]
    empty = f"; without policy and without pods: {', '.join(bare)}" if bare else ""
    return warns_on(system, f"NetworkPolicies stand in {', '.join(sorted(covered)) or 'no namespace'}{empty}")


def _containers(pod: Object) -> Iterator[dict[str, Any]]:
    spec = pod["spec"]
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(kind) or []


def _workloads(facts: Facts) -> Iterator[Object]:
    for pod in facts.api.of("pods"):
        if pod["metadata"]["namespace"] not in facts.system_namespaces:
            yield pod


@answers("5.4.1")
def secrets_as_files(facts: Facts) -> Finding:
    """Environment variables leak into dumps and children; files do not."""
    found = []
    for pod in facts.api.of("pods"):
        for container in _containers(pod):
            single = [
                variable["name"]
                for variable in container.get("env") or []
                if (variable.get("valueFrom") or {}).get("secretKeyRef")
            ]
            whole = [str(source["secretRef"]["name"]) for source in container.get("envFrom") or []
                     if source.get("secretRef")]  # fmt: skip
            if single or whole:
                found.append(f"Pod {name(pod)}, {container['name']}: {', '.join([*single, *whole])}")
    return warns_on(found, f"none of {len(facts.api.of('pods'))} pods has a secret in its environment")


@answers("5.4.2")
def external_store(facts: Facts) -> Finding:
    """Secrets come from a store of their own."""
    found = sorted(set(_STORE_GROUPS) & facts.api.groups)
    if found:
        return Finding(Status.PASS, (f"an external store is connected: {', '.join(found)}",))
    return Finding(Status.WARN, ("no external store is connected; secrets stand in etcd, encrypted",))


@answers("5.5.1")
def image_provenance(facts: Facts) -> Finding:
    """Something checks where images come from before they run."""
    plugins = (facts.host.flag("apiserver", "enable-admission-plugins") if facts.host else None) or ""
    if "ImagePolicyWebhook" in plugins.split(","):
        return Finding(Status.PASS, (f"kube-apiserver --enable-admission-plugins={plugins}",))
    found = sorted(set(_POLICY_GROUPS) & facts.api.groups)
    if found:
        return Finding(
            Status.WARN, (f"{', '.join(found)} can verify images; whether it does is its policies'",)
        )
    return Finding(Status.WARN, ("nothing verifies the signature of an image at admission",))


@answers("5.7.1")
def boundaries(facts: Facts) -> Finding:
    """Workloads are kept apart by namespaces."""
    own = sorted(space for space in _levels(facts) if space != "default")
    if own:
        return Finding(Status.PASS, (f"namespaces: {', '.join(own)}",))
    return Finding(Status.WARN, ("there is no namespace but the system's and default",))


@answers("5.7.2")
def seccomp(facts: Facts) -> Finding:
    """Every container has a seccomp profile, by itself or by the kubelet's default."""
    path = facts.host.flag("kubelet", "config") if facts.host else None
    if facts.host is not None and path and facts.host.load(path).get("seccompDefault") is True:
        return Finding(Status.PASS, (f"{path}: seccompDefault=true",))
    good = ("RuntimeDefault", "Localhost")

    def profile(context: dict[str, Any] | None) -> str:
        return str(((context or {}).get("seccompProfile") or {}).get("type", ""))

    found = [
        f"Pod {name(pod)}, {container['name']} has no seccomp profile"
        for pod in _workloads(facts)
        for container in _containers(pod)
        if (profile(container.get("securityContext")) or profile(pod["spec"].get("securityContext")))
        not in good
    ]
    return fails_on(found, "every container has a seccomp profile")


@answers("5.7.3")
def security_context(facts: Facts) -> Finding:
    """Pods say that they run without root, or their namespace makes them."""
    strict = {space for space, level in _levels(facts).items() if level == "restricted"}
    found = []
    for pod in _workloads(facts):
        if pod["metadata"]["namespace"] in strict:
            continue
        context = pod["spec"].get("securityContext") or {}
        bare = [
            container["name"]
            for container in _containers(pod)
            if not {**context, **(container.get("securityContext") or {})}.get("runAsNonRoot")
        ]
        if bare:
            found.append(f"Pod {name(pod)}: {', '.join(bare)} may run as root")
    return fails_on(found, f"restricted is enforced in {', '.join(sorted(strict)) or 'no namespace'}")


@answers("5.7.4")
def default_namespace(facts: Facts) -> Finding:
    """Nothing but the API's own Service stands in the default namespace."""
    pods = [f"Pod {name(pod)}" for pod in facts.api.of("pods") if pod["metadata"]["namespace"] == "default"]
    services = [
        f"Service {name(service)}"
        for service in facts.api.of("services")
        if service["metadata"]["name"] != "kubernetes"
    ]
    return fails_on([*pods, *services], "only Service default/kubernetes stands there")
