# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Controls about who may do what, answered from all roles and bindings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import Api, Object, name
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding, Status
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import (
    Facts,
    answers,
    fails_on,
    some,
    warns_on,
)

# Whoever has logged in, or nobody at all: what these may, everybody may.
EVERYBODY = ("Group:system:authenticated", "Group:system:unauthenticated", "Group:system:serviceaccounts")

_BUILT_IN = ("kubernetes.io/bootstrapping", "rbac-defaults")


@dataclass(frozen=True, slots=True)
class Power:
    """Something that a rule may allow."""

    verbs: tuple[str, ...]
    group: str
    resource: str

    def allowed_by(self, rule: dict[str, Any]) -> bool:
        """Tell whether a rule allows it, wildcards included."""

        def has(field: str, *wanted: str) -> bool:
            return bool({"*", *wanted} & set(rule.get(field) or []))

        # A rule for named objects only is not a power over the kind, and *_/sub matches any parent's.
        parent, slash, sub = self.resource.partition("/")
        any_parent = f"*/{sub}" if slash else self.resource
        return (
            not rule.get("resourceNames")
            and has("verbs", *self.verbs)
            and has("apiGroups", self.group)
            and has("resources", f"{parent}{slash}{sub}", any_parent)
        )


def _subjects(binding: Object) -> Iterator[str]:
    for subject in binding.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            place = subject.get("namespace") or binding["metadata"].get("namespace", "")
            yield f"ServiceAccount:{place}/{subject['name']}"
        else:
            yield f"{subject['kind']}:{subject['name']}"


def rules_of(api: Api) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the rules of every role, by kind and ``namespace/name``."""
    kinds = (("ClusterRole", "clusterroles"), ("Role", "roles"))
    return {(kind, name(role)): role.get("rules") or [] for kind, list_ in kinds for role in api.of(list_)}


def grants(api: Api, *powers: Power) -> Iterator[tuple[str, str]]:
    """Yield each subject with the binding that gives it one of the powers."""
    rules = rules_of(api)
    for list_ in ("clusterrolebindings", "rolebindings"):
        for binding in api.of(list_):
            reference = binding["roleRef"]
            place = binding["metadata"].get("namespace")
            role = f"{place}/{reference['name']}" if reference["kind"] == "Role" else reference["name"]
            held = rules.get((reference["kind"], role), [])
            if any(power.allowed_by(rule) for power in powers for rule in held):
                kind = "RoleBinding" if place else "ClusterRoleBinding"
                for subject in _subjects(binding):
                    yield subject, f"{subject} by {kind} {name(binding)} ({reference['name']})"


def _judge(facts: Facts, powers: tuple[Power, ...]) -> Finding:
    """Fail when everybody may, warn when somebody may whose powers nobody declared as meant."""
    found = list(grants(facts.api, *powers))
    everybody = [how for subject, how in found if subject in EVERYBODY]
    if everybody:
        return Finding(Status.FAIL, some(everybody))
    meant = [how for subject, how in found if facts.trusts(subject)]
    other = [how for subject, how in found if not facts.trusts(subject)]
    return warns_on(other, f"only declared subjects may: {'; '.join(some(meant)) or 'nobody'}")


_POWERS = {
    "5.1.2": (Power(("get", "list", "watch"), "", "secrets"),),
    "5.1.4": (Power(("create",), "", "pods"),),
    "5.1.8": (
        Power(("bind", "escalate"), "rbac.authorization.k8s.io", "clusterroles"),
        Power(("bind", "escalate"), "rbac.authorization.k8s.io", "roles"),
        Power(("impersonate",), "", "users"),
        Power(("impersonate",), "", "groups"),
        Power(("impersonate",), "", "serviceaccounts"),
    ),
    "5.1.9": (Power(("create",), "", "persistentvolumes"),),
    "5.1.10": (Power(("get", "create"), "", "nodes/proxy"),),
    "5.1.11": (
        Power(("update", "patch"), "certificates.k8s.io", "certificatesigningrequests/approval"),
        Power(("approve",), "certificates.k8s.io", "signers"),
    ),
    "5.1.12": tuple(
        Power(("create", "update", "patch"), "admissionregistration.k8s.io", f"{kind}webhookconfigurations")
        for kind in ("validating", "mutating")
    ),
    "5.1.13": (Power(("create",), "", "serviceaccounts/token"),),
}

for _control, _powers in _POWERS.items():
    answers(_control)(partial(_judge, powers=_powers))


@answers("5.1.1")
def cluster_admin(facts: Facts) -> Finding:
    """The role without any limit is bound to declared administrators only."""
    held = [
        (subject, f"{subject} by ClusterRoleBinding {name(binding)}")
        for binding in facts.api.of("clusterrolebindings")
        if binding["roleRef"]["name"] == "cluster-admin"
        for subject in _subjects(binding)
    ]
    meant = [how for subject, how in held if facts.trusts(subject)]
    return fails_on(
        [how for subject, how in held if not facts.trusts(subject)],
        f"cluster-admin is bound to declared administrators only: {'; '.join(meant) or 'nobody'}",
    )


@answers("5.1.3")
def wildcards(facts: Facts) -> Finding:
    """Roles that somebody wrote name what they allow."""
    key, value = _BUILT_IN
    found = []
    for kind in ("clusterroles", "roles"):
        for role in facts.api.of(kind):
            metadata = role["metadata"]
            if (metadata.get("labels") or {}).get(key) == value:
                continue
            for rule in role.get("rules") or []:
                stars = [
                    part for part in ("verbs", "resources", "apiGroups") if "*" in (rule.get(part) or [])
                ]
                if stars:
                    found.append(f"{kind.removesuffix('s')} {name(role)}: * in {', '.join(stars)}")
    return fails_on(found, "no role but Kubernetes' own has a wildcard")


@answers("5.1.5")
def default_accounts(facts: Facts) -> Finding:
    """No default service account hands out its token or has any power of its own."""
    found = [
        f"ServiceAccount {name(account)}: automountServiceAccountToken is not false"
        for account in facts.api.of("serviceaccounts")
        if account["metadata"]["name"] == "default"
        and account.get("automountServiceAccountToken") is not False
    ]
    bound = [
        f"{subject} by {name(binding)}"
        for list_ in ("clusterrolebindings", "rolebindings")
        for binding in facts.api.of(list_)
        for subject in _subjects(binding)
        if subject.startswith("ServiceAccount:") and subject.endswith("/default")
    ]
    return fails_on([*found, *bound], "no default service account mounts its token or is bound to a role")


def _mounts_token(pod: Object) -> bool:
    """Tell whether a pod got a token, however that came: the volume is in its specification."""
    return any(
        "serviceAccountToken" in source
        for volume in pod["spec"].get("volumes") or []
        for source in (volume.get("projected") or {}).get("sources") or []
    )


@answers("5.1.6")
def mounted_tokens(facts: Facts) -> Finding:
    """A pod has a token only when its account may do something with it."""
    bound = {
        subject
        for list_ in ("clusterrolebindings", "rolebindings")
        for binding in facts.api.of(list_)
        for subject in _subjects(binding)
    }
    found: list[str] = []
    necessary: list[str] = []
    for pod in facts.api.of("pods"):
        account = f"{pod['metadata']['namespace']}/{pod['spec'].get('serviceAccountName', 'default')}"
        if _mounts_token(pod):
            used = f"ServiceAccount:{account}" in bound
            (necessary if used else found).append(f"Pod {name(pod)} has a token of {account}")
    return fails_on(
        [f"{pod}, which is bound to no role" for pod in found],
        f"{len(necessary)} pods have a token, and each account is bound to a role",
    )


@answers("5.1.7")
def masters(facts: Facts) -> Finding:
    """The group beyond all authorization is not what work is done with."""
    groups = list(facts.api.user.get("groups") or [])
    who = facts.api.user.get("username", "unknown")
    if "system:masters" in groups:
        return Finding(Status.WARN, (f"this check itself ran as {who}, a member of system:masters",))
    return Finding(Status.PASS, (f"work is done as {who}, whose groups are {', '.join(groups)}",))
