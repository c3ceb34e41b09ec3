# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a condition decides about an event, and what the fields of the audit log say."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._falco import audit
from ansible_collections.rampart.k8s.plugins.module_utils._falco.evaluate import holds
from ansible_collections.rampart.k8s.plugins.module_utils._falco.parser import parse
from ansible_collections.rampart.k8s.plugins.module_utils._falco.tree import Field

VALUES: dict[str, audit.Value] = {
    "a.name": "Nginx",
    "a.code": "403",
    "a.path": "/etc/passwd",
    "a.coded": "c2VjcmV0",
    "a.many": ["x", "y"],
    "a.none": None,
    "a.empty": [],
}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("a.name = Nginx", True),
        ("a.name == nginx", False),
        ("a.name != nginx", True),
        ("a.code < 500", True),
        ("a.code <= 403", True),
        ("a.code > 403", False),
        ("a.code >= 403", True),
        ("a.name contains gin", True),
        ("a.name contains GIN", False),
        ("a.name icontains GIN", True),
        ("a.name bcontains 67696e", True),
        ("a.name startswith Ng", True),
        ("a.name startswith ng", False),
        ("a.name bstartswith 4e67", True),
        ("a.name endswith nx", True),
        ("a.name glob N*x", True),
        ("a.name glob n*x", False),
        ("a.name iglob n??nx", True),
        ("a.name regex 'N.*x'", True),
        ("a.name regex N", False),
        ("a.name in (a, Nginx)", True),
        ("a.name in ()", False),
        ("a.name intersects (Nginx)", True),
        ("a.path pmatch (/etc, /run)", True),
        ("a.path pmatch (/et)", False),
        ("a.path pmatch (/etc/passwd)", True),
        ("a.path pmatch (/etc/)", True),
        ("a.name exists", True),
        ("a.none exists", False),
        ("a.many in (x, y, z)", True),
        ("a.many in (x)", False),
        ("a.many intersects (x, q)", True),
        ("a.many intersects (q)", False),
        ("a.empty in (x)", False),
        ("tolower(a.name) = nginx", True),
        ("toupper(a.name) = NGINX", True),
        ("len(a.name) = 5", True),
        ("len(a.many) = 2", True),
        ("basename(a.path) = passwd", True),
        ("b64(a.coded) = secret", True),
        ("b64(a.name) = x", False),
        ("a.name = val(a.name)", True),
        ("a.name = val(a.none)", False),
        ("a.name in val(a.many)", False),
        ("tolower(a.many) intersects (x)", True),
        # A field that is absent fits nothing, so its opposite always holds.
        ("a.none = x", False),
        ("a.none != x", False),
        ("not a.none = x", True),
        ("a.name = Nginx and a.none = x", False),
        ("a.name = Nginx or a.none = x", True),
    ],
)
def test_decides(condition: str, said: bool) -> None:
    assert holds(parse(condition), lambda field: VALUES[field.name]) is said


EVENT: dict[str, Any] = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "auditID": "1",
    "stage": "ResponseComplete",
    "stageTimestamp": "2026-11-28T08:00:01.000000Z",
    "requestURI": "/api/v1/namespaces/dev/pods?fieldManager=x",
    "verb": "create",
    "user": {"username": "jane", "groups": ["a", "b"]},
    "impersonatedUser": {"username": "root"},
    "sourceIPs": ["10.0.0.1"],
    "userAgent": "curl",
    "objectRef": {"resource": "pods", "namespace": "dev", "name": "p"},
    "responseStatus": {"code": 201},
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "requestObject": {
        "spec": {
            "hostPID": True,
            "securityContext": {"runAsUser": 7},
            "containers": [
                {
                    "name": "one",
                    "image": "r.example:5000/one:1",
                    "command": ["sh", "-c"],
                    "securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN"]}},
                    "ports": [{"containerPort": 80}, {"hostPort": 81}],
                },
                {"name": "two", "image": "two@sha256:0", "securityContext": {"runAsUser": 8}},
            ],
            "initContainers": [{"name": "init", "image": "i"}],
            "volumes": [{"name": "v", "hostPath": {"path": "/etc/x"}}, {"name": "w", "secret": {}}],
        },
        "subjects": [
            {"kind": "User", "name": "u"},
            {"kind": "Group", "name": "g"},
            {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
        ],
        "roleRef": {"name": "admin"},
        "rules": [{"verbs": ["get", "list"], "resources": ["pods"]}, {"verbs": ["watch"]}],
    },
    "responseObject": {"metadata": {"name": "p"}},
}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field("ka.user.name"), "jane"),
        (Field("ka.user.groups"), ["a", "b"]),
        (Field("ka.impuser.name"), "root"),
        (Field("ka.uri.param", "fieldManager"), "x"),
        (Field("ka.uri.param", "none"), None),
        (Field("ka.target.subresource"), None),
        (Field("ka.target.pod.name"), "p"),
        (Field("ka.response.code"), "201"),
        (Field("ka.auth.decision"), "allow"),
        (Field("ka.sourceips"), ["10.0.0.1"]),
        (Field("ka.req.pod.host_pid"), "true"),
        (Field("ka.req.pod.host_ipc"), None),
        (Field("ka.req.pod.containers.name"), ["one", "two"]),
        (Field("ka.req.pod.containers.name", "1"), ["two"]),
        (Field("ka.req.pod.containers.name", "7"), []),
        (Field("ka.req.pod.containers.privileged"), ["true"]),
        (Field("ka.req.pod.containers.add_capabilities"), ["SYS_ADMIN"]),
        (Field("ka.req.pod.containers.image.repository"), ["r.example:5000/one", "two"]),
        (Field("ka.req.pod.containers.command"), ["sh -c"]),
        (Field("ka.req.pod.containers.args"), None),
        (Field("ka.req.pod.containers.host_port"), ["80", "81"]),
        (Field("ka.req.pod.containers.eff_run_as_user"), ["7", "8"]),
        (Field("ka.req.pod.initContainers.name"), ["init"]),
        (Field("ka.req.pod.ephemeralContainers.name"), None),
        (Field("ka.req.container.image"), "r.example:5000/one:1"),
        (Field("ka.req.container.privileged"), "true"),
        (Field("ka.req.pod.volumes.hostpath"), ["/etc/x"]),
        (Field("ka.req.pod.volumes.volume_type"), ["hostPath", "secret"]),
        (Field("ka.req.volume.hostpath", "/etc*"), "true"),
        (Field("ka.req.volume.hostpath", "/etc"), "false"),
        (Field("ka.req.binding.role"), "admin"),
        (Field("ka.req.binding.subjects.user_names"), ["u"]),
        (Field("ka.req.binding.subjects.group_names"), ["g"]),
        (Field("ka.req.binding.subjects.serviceaccount_names"), ["s"]),
        (Field("ka.req.binding.subjects.serviceaccount_ns_names"), ["n:s"]),
        (Field("ka.req.role.rules.verbs"), ["get", "list", "watch"]),
        (Field("ka.req.role.rules.verbs", "1"), ["watch"]),
        (Field("evt.source"), "k8s_audit"),
        (Field("evt.num"), None),
    ],
)
def test_a_field_says(field: Field, said: audit.Value) -> None:
    assert audit.value(field, EVENT) == said


@pytest.mark.parametrize("event", [{}, {"objectRef": None, "user": None, "requestObject": None}])
def test_an_event_without_anything_says_nothing(event: dict[str, Any]) -> None:
    for name in (
        "ka.user.name",
        "ka.target.pod.name",
        "ka.req.pod.containers.name",
        "ka.req.role.rules.verbs",
    ):
        assert not audit.value(Field(name), event)
