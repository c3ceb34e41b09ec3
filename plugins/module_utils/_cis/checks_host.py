# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Controls of sections 1 to 4 that kube-bench leaves to a person, answered from processes and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Finding, Status
from ansible_collections.rampart.k8s.plugins.module_utils._cis.registry import Facts, answers, fails_on
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

# CIS names 300 s as a value that is appropriate for slow links.
LONGEST_REQUEST = 300

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}

# What must be in the audit log, and must not bring its content with it (control 3.2.2).
_METADATA_ONLY = (("", "secrets"), ("", "configmaps"), ("authentication.k8s.io", "tokenreviews"))
_RECORDED = ("pods/exec", "pods/portforward", "pods/proxy", "services/proxy")


def seconds(duration: str) -> float:
    """Read a duration as Go writes it."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", duration))


@answers("1.2.1")
def anonymous(facts: Facts) -> Finding | None:
    """Anonymous requests are off, by the flag or by the structured configuration."""
    if facts.host is None:
        return None
    flag = facts.host.flag("apiserver", "anonymous-auth")
    if flag is not None:
        status = Status.PASS if flag == "false" else Status.FAIL
        return Finding(status, (f"kube-apiserver --anonymous-auth={flag}",))
    path = facts.host.flag("apiserver", "authentication-config")
    settings = (facts.host.load(path).get("anonymous") or {}) if path else {}
    if settings.get("enabled") is False:
        return Finding(Status.PASS, (f"{path}: anonymous.enabled=false",))
    only = [str(condition.get("path")) for condition in settings.get("conditions") or []]
    if only:
        return Finding(Status.WARN, (f"{path}: anonymous requests only to {', '.join(only)}",))
    return Finding(Status.FAIL, ("anonymous requests are allowed, which is the default",))


@answers("1.2.20")
def request_timeout(facts: Facts) -> Finding | None:
    """Requests end in time."""
    if facts.host is None:
        return None
    flag = facts.host.flag("apiserver", "request-timeout") or "60s"
    status = Status.PASS if 0 < seconds(flag) <= LONGEST_REQUEST else Status.FAIL
    return Finding(status, (f"kube-apiserver --request-timeout={flag}",))


@answers("1.2.28")
def encryption(facts: Facts) -> Finding | None:
    """The stored bytes themselves say whether the providers are configured appropriately."""
    if not facts.census:
        if facts.host is None:
            return None
        return Finding(Status.FAIL, ("kube-apiserver --encryption-provider-config is not set",))
    passed = bool(facts.census.get("encrypted_completely"))
    only_history = facts.census.get("verdict") == "plaintext_history"
    status = Status.PASS if passed else Status.WARN if only_history else Status.FAIL
    rows = [
        f"{row['resource']}: {row['count']} under {row['provider']} {row['key']}".rstrip()
        for row in facts.census.get("counts", [])
        if row["wanted"]
    ]
    return Finding(status, (f"raw values in etcd: {facts.census.get('reason')}", *rows))


@answers("2.7")
def own_authority(facts: Facts) -> Finding | None:
    """The authority of etcd is not the one that signs for the API."""
    if facts.host is None or "etcd" not in facts.host.processes:
        return None
    paths = {
        "etcd": facts.host.flag("etcd", "trusted-ca-file"),
        "API server": facts.host.flag("apiserver", "client-ca-file"),
    }
    if not all(paths.values()):
        return None
    contents = {}
    for who, path in paths.items():
        try:
            contents[who] = Path(str(path)).read_bytes()
        except OSError as error:
            raise RampartError(
                f"Could not read the authority of the {who}, {path}: {error.strerror}.",
                next_step="run as a user who may read it",
            ) from error
    status = Status.FAIL if contents["etcd"] == contents["API server"] else Status.PASS
    return Finding(status, tuple(f"{who}: {path}" for who, path in paths.items()))


@answers("3.1.2")
def service_account_tokens(facts: Facts) -> Finding:
    """Tokens that never end are what people take away with them."""
    return fails_on(
        [f"Secret {found} holds a service account token without an end" for found in facts.api.token_secrets],
        "no Secret holds a service account token; tokens are issued on request and end",
    )


@answers("3.1.3")
def bootstrap_tokens(facts: Facts) -> Finding | None:
    """Bootstrap tokens are off, or there are none."""
    flag = facts.host.flag("apiserver", "enable-bootstrap-token-auth") if facts.host else None
    if facts.host is None and not facts.api.bootstrap_secrets:
        return None
    if flag in (None, "false") and facts.host is not None:
        return Finding(Status.PASS, ("kube-apiserver --enable-bootstrap-token-auth is not set",))
    tokens = [f"Secret {found} is a bootstrap token" for found in facts.api.bootstrap_secrets]
    return fails_on(tokens, "bootstrap tokens are accepted, and none exists")


def _level(rules: list[dict[str, Any]], group: str, resource: str) -> str:
    """Return the level of the first rule that applies to everybody's change of a resource."""
    for rule in rules:
        if (
            rule.get("users")
            or rule.get("userGroups")
            or rule.get("namespaces")
            or rule.get("nonResourceURLs")
        ):
            continue
        if rule.get("verbs") and not {"create", "update", "patch"} & set(rule["verbs"]):
            continue
        asked = rule.get("resources")
        if not asked:
            return str(rule["level"])
        for item in asked:
            names = item.get("resources") or []
            matches = not names or resource in names or "*" in names
            if item.get("group", "") == group and matches:
                return str(rule["level"])
    return "None"


@answers("3.2.2")
def audit_policy(facts: Facts) -> Finding | None:
    """The audit policy records what matters, and not the content of secrets."""
    path = facts.host.flag("apiserver", "audit-policy-file") if facts.host else None
    if facts.host is None or not path:
        return None
    rules = facts.host.load(path).get("rules") or []
    wrong: list[str] = []
    right: list[str] = []
    for group, resource in _METADATA_ONLY:
        level = _level(rules, group, resource)
        (right if level == "Metadata" else wrong).append(f"{path}: {resource} at {level}, wanted Metadata")
    for resource in _RECORDED:
        level = _level(rules, "", resource)
        (wrong if level == "None" else right).append(f"{path}: {resource} at {level}")
    return fails_on(wrong, "; ".join(right))


@answers("4.3.1")
def proxy_metrics(facts: Facts) -> Finding | None:
    """Where nothing takes Services from kube-proxy, its metrics bind nowhere."""
    if facts.host is None:
        return None
    if "proxy" not in facts.host.processes:
        return Finding(Status.NOT_APPLICABLE, ("no kube-proxy runs; another program forwards Services",))
    path = facts.host.flag("proxy", "config")
    if not path:
        return None
    address = str(facts.host.load(path).get("metricsBindAddress") or "127.0.0.1:10249")
    status = Status.PASS if address.startswith(("127.", "[::1]", "localhost")) else Status.FAIL
    return Finding(status, (f"{path}: metricsBindAddress={address}",))
