# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Looks into running pods: no token may lie where one would be mounted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._policy import live
from ansible_collections.rampart.k8s.plugins.module_utils._verify import objects
from ansible_collections.rampart.k8s.plugins.module_utils._verify.bench import Bench
from ansible_collections.rampart.k8s.plugins.module_utils._verify.gate import Proof, Verdict
from ansible_collections.rampart.k8s.plugins.module_utils._verify.observe import (
    ADMISSION,
    NAMESPACES,
    Cluster,
)
from ansible_collections.rampart.k8s.plugins.module_utils._verify.proving import ProofGate

FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"

# What is written there stands in the pod's status: nobody has to enter the container.
SCRIPT = f"[ -e {FOLDER}/token ] && echo mounted >/dev/termination-log || echo absent >/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Look:
    """One pod that looks around."""

    namespace: str
    account: str
    # The control: a pod that asks for a token and gets one, so that looking is shown to see it.
    wants_token: bool = False

    def __str__(self) -> str:
        if self.wants_token:
            return "a pod that asks for a token finds it"
        return f"a pod of {self.namespace} as {self.account} finds no token"


def looks(environments: Sequence[Mapping[str, Any]]) -> list[Look]:
    """Return a pod for each account that pods may use, and the control."""
    found = [
        Look(environment["namespace"], account)
        for environment in environments
        for account in ("default", *environment["applications"])
    ]
    return [*found, Look(objects.NAMESPACE, "default", wants_token=True)]


def pod(look: Look, name: str, image: str) -> dict[str, Any]:
    """Return the pod; it says nothing of tokens itself, since it is the account that must decide."""
    container = objects.restricted_container(image, ["/bin/sh", "-c", SCRIPT])
    more = {"automountServiceAccountToken": True} if look.wants_token else {}
    spec = objects.restricted_spec(container, serviceAccountName=look.account, **more)
    return objects.pod(name, look.namespace, spec)


def forbidden(client: Client, body: Mapping[str, Any]) -> bool:
    """Say whether nobody may run as the default account at all: a policy of the role kyverno."""
    path = f"{NAMESPACES}/{body['metadata']['namespace']}/pods"
    answer = client.transport.send("POST", path, query={"dryRun": "All"}, body=dict(body))
    return answer.status >= 300 and b"default-service-account" in answer.body


def saw(item: Mapping[str, Any]) -> str:
    """Return what an ended pod wrote."""
    for container in (item.get("status") or {}).get("containerStatuses") or []:
        ended = (container.get("state") or {}).get("terminated") or {}
        return str(ended.get("message") or "").strip()
    return ""


def judge(seen: Mapping[Look, str], silent: Mapping[Look, str]) -> list[Proof]:
    """Compare; without a control that found its token, nobody's blindness counts."""
    sighted = any(look.wants_token and found == "mounted" for look, found in seen.items())
    proofs = [Proof(str(look), Verdict.NOT_PROVEN, not look.wants_token, why) for look, why in silent.items()]
    for look, found in seen.items():
        if look.wants_token:
            held = Verdict.HELD if found == "mounted" else Verdict.BROKEN
            proofs.append(Proof(str(look), held, False, "" if found == "mounted" else f"it says {found!r}"))
        elif found == "mounted":
            proofs.append(Proof(str(look), Verdict.BROKEN, True, "a token is mounted"))
        elif found != "absent" or not sighted:
            proofs.append(Proof(str(look), Verdict.VACUOUS, True, f"it says {found!r}"))
        else:
            proofs.append(Proof(str(look), Verdict.HELD, True))
    return proofs


class TokenVerify(ProofGate):
    """Runs a pod as each account."""

    name = "token_verify"
    control = "tokens"
    claim = "that pods hold no token"

    def depends_on(self, cluster: Cluster) -> dict[str, Any]:
        """Return the accounts, and whatever may change a pod on its way in."""
        spaces = sorted({look.namespace for look in looks(self.parameters["environments"])})
        accounts = [f"{NAMESPACES}/{name}/serviceaccounts" for name in spaces]
        return cluster.contents((*accounts, *ADMISSION))

    def outline(self, _client: Client) -> str:
        """Count the pods; one of them is the control."""
        return f"that no token lies in {len(looks(self.parameters['environments'])) - 1} pods"

    def prove(self, client: Client) -> list[Proof]:
        """Let them look and read what they saw."""
        wanted = looks(self.parameters["environments"])
        there = live.namespaces(client, {look.namespace for look in wanted})
        silent = {look: "its namespace does not exist" for look in wanted if look.namespace not in there}
        wanted = [look for look in wanted if look.namespace in there]
        with Bench(client, there) as bench:
            named = {
                f"{look.namespace}/rampart-probe-{bench.run}-{number}": look
                for number, look in enumerate(wanted)
            }
            pods = {
                full: pod(look, full.partition("/")[2], self.parameters["image"])
                for full, look in named.items()
            }
            names = [
                full for full, look in named.items() if look.account == "default" and not look.wants_token
            ]
            answers = client.map(lambda full: forbidden(client, pods[full]), names)
            refused = [named.pop(full) for full, no in zip(names, answers, strict=True) if no]
            bench.create([pods[full] for full in named])
            ended, waiting = bench.wait(
                "/api/v1/pods", named, lambda item: bool(saw(item)), self.parameters["timeout"]
            )
        seen = {named[name]: saw(item) for name, item in ended.items()}
        for name, item in waiting.items():
            silent[named[name]] = objects.trouble(item) or "its pod did not run in time"
        unborn = [Proof(f"{look}: there is no such pod", Verdict.HELD, True) for look in refused]
        return judge(seen, silent) + unborn
