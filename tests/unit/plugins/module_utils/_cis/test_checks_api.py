# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis import checks_rbac, checks_workloads
from ansible_collections.rampart.k8s.plugins.module_utils._cis.api import (
    ENFORCE,
    LISTS,
    Api,
    default_level,
    read,
)
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Host, Process
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import CHECKS, NAMED, Facts, some
from ansible_collections.rampart.k8s.plugins.module_utils._kube.status import ApiError

# Importing a module of checks is what puts them into CHECKS.
REGISTERED_BY = (checks_rbac, checks_workloads)

SYSTEM = ("kube-system",)
TRUSTED = ("Group:system:masters", "ServiceAccount:kube-system/*")


def item(name: str, namespace: str = "", labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    if namespace:
        metadata["namespace"] = namespace
    return {"metadata": metadata, **more}


def rule(verbs: str, groups: str, resources: str, **more: Any) -> dict[str, Any]:
    split = {"verbs": verbs, "apiGroups": groups, "resources": resources}
    return {**{name: value.split(",") for name, value in split.items()}, **more}


def binding(
    name: str, role: str, *subjects: str, namespace: str = "", kind: str = "ClusterRole"
) -> dict[str, Any]:
    parsed = []
    for subject in subjects:
        what, _colon, who = subject.partition(":")
        place, _slash, last = who.partition("/")
        parsed.append({"kind": what, "name": last or place, **({"namespace": place} if last else {})})
    return item(name, namespace, roleRef={"kind": kind, "name": role}, subjects=parsed)


def judge(control: str, host: Host | None = None, groups: tuple[str, ...] = (), **lists: Any) -> Finding:
    user = lists.pop("user", {})
    objects = {name: lists.get(name, []) for name in LISTS}
    facts = Facts(host, Api(objects, frozenset(groups), user), {}, TRUSTED, SYSTEM)
    finding = CHECKS[control](facts)
    assert finding is not None
    return finding


READER = item("reader", rules=[rule("get,list", "", "secrets")])
POD_READER = item("pods", rules=[rule("get", "", "pods")])


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ((), "PASS"),
        (("Group:system:masters",), "PASS"),
        (("ServiceAccount:kube-system/controller",), "PASS"),
        (("User:anna",), "WARN"),
        (("ServiceAccount:dev/app",), "WARN"),
        (("User:anna", "Group:system:authenticated"), "FAIL"),
        (("Group:system:unauthenticated",), "FAIL"),
    ],
)
def test_who_may_read_secrets(subjects: tuple[str, ...], expected: str) -> None:
    found = judge("5.1.2", clusterroles=[READER], clusterrolebindings=[binding("b", "reader", *subjects)])
    assert found.status == expected


def test_evidence_names_subject_binding_and_role() -> None:
    bound = binding("b", "reader", "User:anna", namespace="dev")
    found = judge("5.1.2", clusterroles=[READER], rolebindings=[bound])
    assert found.evidence == ("User:anna by RoleBinding dev/b (reader)",)


@pytest.mark.parametrize(
    ("control", "allowed"),
    [
        ("5.1.2", rule("*", "*", "*")),
        ("5.1.4", rule("create", "", "pods")),
        ("5.1.8", rule("escalate", "rbac.authorization.k8s.io", "clusterroles")),
        ("5.1.8", rule("impersonate", "", "users")),
        ("5.1.9", rule("create", "", "persistentvolumes")),
        ("5.1.10", rule("get", "", "nodes/proxy")),
        ("5.1.10", rule("get", "", "*/proxy")),
        ("5.1.11", rule("update", "certificates.k8s.io", "certificatesigningrequests/approval")),
        ("5.1.12", rule("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations")),
        ("5.1.13", rule("create", "", "serviceaccounts/token")),
    ],
)
def test_powers_are_found(control: str, allowed: dict[str, Any]) -> None:
    roles = [item("r", "dev", rules=[allowed])]
    bound = [binding("b", "r", "User:anna", namespace="dev", kind="Role")]
    assert judge(control, roles=roles, rolebindings=bound).status == "WARN"
    assert judge(control, clusterroles=[POD_READER], rolebindings=bound).status == "PASS"


def test_a_rule_for_named_objects_is_no_power_over_the_kind() -> None:
    roles = [item("r", rules=[rule("get", "", "secrets", resourceNames=["one"])])]
    bound = [binding("b", "r", "User:anna")]
    assert judge("5.1.2", clusterroles=roles, clusterrolebindings=bound).status == "PASS"


def test_a_role_of_the_same_name_elsewhere_is_another() -> None:
    roles = [item("r", "prod", rules=[rule("get", "", "secrets")]), item("r", "dev", rules=[])]
    bound = [binding("b", "r", "User:anna", namespace="dev", kind="Role")]
    assert judge("5.1.2", roles=roles, rolebindings=bound).status == "PASS"


def test_cluster_admin() -> None:
    built_in = binding("cluster-admin", "cluster-admin", "Group:system:masters")
    assert judge("5.1.1", clusterrolebindings=[built_in]).status == "PASS"
    found = judge("5.1.1", clusterrolebindings=[built_in, binding("oops", "cluster-admin", "User:anna")])
    assert (found.status, found.evidence) == ("FAIL", ("User:anna by ClusterRoleBinding oops",))


def test_wildcards_of_kubernetes_own_roles_are_its_own() -> None:
    star = [rule("*", "apps", "*")]
    own = item("edit", labels={"kubernetes.io/bootstrapping": "rbac-defaults"}, rules=star)
    assert judge("5.1.3", clusterroles=[own]).status == "PASS"
    found = judge("5.1.3", clusterroles=[own], roles=[item("mine", "dev", rules=star)])
    assert found.evidence == ("role dev/mine: * in verbs, resources",)


def test_default_accounts() -> None:
    closed = item("default", "dev", automountServiceAccountToken=False)
    assert judge("5.1.5", serviceaccounts=[closed, item("app", "dev")]).status == "PASS"
    assert judge("5.1.5", serviceaccounts=[item("default", "dev")]).status == "FAIL"
    bound = binding("b", "r", "ServiceAccount:dev/default")
    assert judge("5.1.5", serviceaccounts=[closed], clusterrolebindings=[bound]).status == "FAIL"


def pod(name: str = "p", namespace: str = "dev", **spec: Any) -> dict[str, Any]:
    return item(name, namespace, spec={"containers": [{"name": "c"}], **spec})


def test_a_token_is_necessary_when_its_account_may_do_something() -> None:
    volume = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    mounted = pod(serviceAccountName="app", volumes=[volume])
    assert judge("5.1.6", pods=[pod()]).status == "PASS"
    assert judge("5.1.6", pods=[mounted]).status == "FAIL"
    bound = [binding("b", "r", "ServiceAccount:dev/app", namespace="dev")]
    assert judge("5.1.6", pods=[mounted], rolebindings=bound).status == "PASS"


@pytest.mark.parametrize(("groups", "expected"), [(["system:masters"], "WARN"), (["admins"], "PASS")])
def test_masters(groups: list[str], expected: str) -> None:
    assert judge("5.1.7", user={"username": "x", "groups": groups}).status == expected


def space(name: str, enforce: str = "") -> dict[str, Any]:
    return item(name, labels={"pod-security.kubernetes.io/enforce": enforce} if enforce else {})


@pytest.mark.parametrize(
    ("control", "level", "expected"),
    [
        ("5.2.2", "privileged", "FAIL"),
        ("5.2.2", "baseline", "PASS"),
        ("5.2.6", "baseline", "FAIL"),
        ("5.2.8", "baseline", "FAIL"),
        ("5.2.12", "baseline", "PASS"),
        ("5.2.10", "restricted", "PASS"),
        ("5.2.2", "", "FAIL"),
        ("5.2.2", "nonsense", "FAIL"),
    ],
)
def test_pod_security_refuses_from_a_level_on(control: str, level: str, expected: str) -> None:
    assert judge(control, namespaces=[space("kube-system"), space("dev", level)]).status == expected


def test_the_default_of_the_api_server_counts_for_namespaces_without_a_label(tmp_path: Any) -> None:
    file = tmp_path / "admission.yaml"
    plugin = {"name": "PodSecurity", "configuration": {"defaults": {"enforce": "restricted"}}}
    file.write_text(yaml.safe_dump({"plugins": [{"name": "EventRateLimit"}, plugin]}))
    api_server = Process(1, ("kube-apiserver", f"--admission-control-config-file={file}"))
    found = judge("5.2.7", Host({"apiserver": api_server}), namespaces=[space("dev")])
    assert found.status == "PASS"
    assert "dev (restricted)" in found.evidence[0]


def test_policy_mechanism() -> None:
    assert judge("5.2.1", namespaces=[space("dev")]).status == "FAIL"
    assert judge("5.2.1", groups=("kyverno.io",), namespaces=[space("dev")]).status == "PASS"


def test_networks() -> None:
    assert judge("5.3.1").status == "FAIL"
    assert judge("5.3.1", groups=("cilium.io",)).status == "PASS"


@pytest.mark.parametrize(
    ("pods", "policies", "expected"),
    [
        ([], [], "PASS"),
        (["dev"], [], "FAIL"),
        (["dev"], ["dev"], "PASS"),
        (["kube-system"], ["dev"], "WARN"),
        (["kube-system", "dev"], ["dev", "kube-system"], "PASS"),
    ],
)
def test_network_policies(pods: list[str], policies: list[str], expected: str) -> None:
    found = judge(
        "5.3.2",
        namespaces=[space("kube-system"), space("dev")],
        pods=[pod(namespace=name) for name in pods],
        networkpolicies=[item("deny", name) for name in policies],
    )
    assert found.status == expected


@pytest.mark.parametrize(
    "container",
    [
        {"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        {"envFrom": [{"secretRef": {"name": "KEY"}}]},
    ],
)
def test_secrets_in_the_environment(container: Mapping[str, Any]) -> None:
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        spec: dict[str, Any] = {kind: [{"name": "c", **container}]}
        found = judge("5.4.1", pods=[pod(**spec)])
        assert (found.status, found.evidence) == ("WARN", ("Pod dev/p, c: KEY",))
    assert (
        judge("5.4.1", pods=[pod(containers=[{"name": "c", "env": [{"name": "A", "value": "b"}]}])]).status
        == "PASS"
    )


@pytest.mark.parametrize(
    ("control", "group", "without", "with_"),
    [("5.4.2", "external-secrets.io", "WARN", "PASS"), ("5.5.1", "kyverno.io", "WARN", "WARN")],
)
def test_stores_and_image_policies(control: str, group: str, without: str, with_: str) -> None:
    assert judge(control).status == without
    assert judge(control, groups=(group,)).status == with_


def test_boundaries() -> None:
    assert judge("5.7.1", namespaces=[space("default"), space("kube-system")]).status == "WARN"
    assert judge("5.7.1", namespaces=[space("default"), space("dev")]).status == "PASS"


def test_seccomp() -> None:
    profile = {"seccompProfile": {"type": "RuntimeDefault"}}
    assert judge("5.7.2", pods=[pod()]).status == "FAIL"
    assert judge("5.7.2", pods=[pod(securityContext=profile)]).status == "PASS"
    own = [{"name": "c", "securityContext": {"seccompProfile": {"type": "Unconfined"}}}]
    assert judge("5.7.2", pods=[pod(securityContext=profile, containers=own)]).status == "FAIL"
    assert judge("5.7.2", pods=[pod(namespace="kube-system")]).status == "PASS"


def test_security_context() -> None:
    assert judge("5.7.3", namespaces=[space("dev")], pods=[pod()]).status == "FAIL"
    assert judge("5.7.3", namespaces=[space("dev", "restricted")], pods=[pod()]).status == "PASS"
    careful = pod(securityContext={"runAsNonRoot": True})
    assert judge("5.7.3", namespaces=[space("dev")], pods=[careful]).status == "PASS"


def test_the_default_namespace_is_empty() -> None:
    own = item("kubernetes", "default")
    assert judge("5.7.4", services=[own]).status == "PASS"
    assert judge("5.7.4", services=[own, item("x", "default")]).status == "FAIL"
    assert judge("5.7.4", services=[own], pods=[pod(namespace="default")]).status == "FAIL"


def test_long_evidence_is_counted() -> None:
    shown = some([str(number) for number in range(NAMED + 3)])
    assert len(shown) == NAMED + 1
    assert shown[-1] == "and 3 more"


def test_every_policy_control_has_a_check() -> None:
    """All of section 5 of cis-1.10 is answered here, since kube-bench is not asked about it."""
    sizes = {"5.1": 13, "5.2": 13, "5.3": 2, "5.4": 2, "5.5": 1, "5.7": 4}
    expected = {f"{section}.{number}" for section, size in sizes.items() for number in range(1, size + 1)}
    assert {control for control in CHECKS if control.startswith("5.")} == expected


class Answers:
    """An API that holds nothing but one Secret with a token."""

    def list_all(self, path: str, *, query: Mapping[str, Any] | None = None) -> tuple[list[Any], str]:
        token = query and query["fieldSelector"] == "type=kubernetes.io/service-account-token"
        return ([item("t", "dev", data={"token": "c2VjcmV0"})] if token else []), ""

    def call(self, method: str, path: str, *, query: Any = None, body: Any = None) -> dict[str, Any]:
        return (
            {"groups": [{"name": "apps"}]}
            if method == "GET"
            else {"status": {"userInfo": {"username": "me"}}}
        )

    def map(self, function: Any, items: Any) -> list[Any]:
        return [function(one) for one in items]


def test_reading_keeps_names_of_tokens_only() -> None:
    found = read(Answers())
    assert found.token_secrets == ("dev/t",)
    assert "c2VjcmV0" not in repr(found)
    assert (found.groups, found.user) == (frozenset({"apps"}), {"username": "me"})


class Refusing(Answers):
    """Answers a dry run as a namespace of some level does, and knows where it was asked."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.asked: list[str] = []

    def call(self, method: str, path: str, *, query: Any = None, body: Any = None) -> dict[str, Any]:
        assert query == {"dryRun": "All"}
        self.asked.append(path)
        if self.said:
            raise ApiError("refused", status={"code": 403, "message": self.said})
        return {}


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ('pods "x" is forbidden: violates PodSecurity "restricted:v1.36": host namespaces', "restricted"),
        ('pods "x" is forbidden: violates PodSecurity "baseline:latest": host namespaces', "baseline"),
        ('pods "x" is forbidden: exceeded quota: compute', "privileged"),
        ("", "privileged"),
    ],
)
def test_the_level_without_a_label_is_what_the_api_server_does(said: str, level: str) -> None:
    labelled = item("labelled", labels={ENFORCE: "restricted"})
    client = Refusing(said)
    assert default_level(client, [item("kube-system"), labelled, item("open")]) == level
    assert client.asked == ["/api/v1/namespaces/open/pods"]


def test_without_a_namespace_to_ask_in_nothing_is_enforced() -> None:
    assert default_level(Refusing(""), [item("kube-system")]) == "privileged"
