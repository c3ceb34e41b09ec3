# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each engine is given."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._admission import images, rendering
from ansible_collections.rampart.k8s.plugins.module_utils._admission.rendering import DIGEST, Admission
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._signing.keyring import key_id
from ansible_collections.rampart.k8s.tests.support.admission import NOW, admission, environments, exceptions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _public_key() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    return key_id(pem), pem


PUBLIC_KEY = _public_key()


def by_name(found: Admission) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in rendering.everything(found)}


def test_kyverno_asks_one_webhook_for_each_environment_and_for_nothing_else() -> None:
    """A match condition or a timeout would give a policy a webhook of its own."""
    for (kind, _name), item in by_name(admission()).items():
        if kind != "ValidatingPolicy":
            continue
        environment = item["metadata"]["labels"]["rampart.k8s/environment"]
        spec = item["spec"]
        assert spec["matchConstraints"]["namespaceSelector"] == {
            "matchLabels": {"kubernetes.io/metadata.name": environment}
        }
        assert not {"matchConditions", "webhookConfiguration"} & set(spec)
        assert spec["failurePolicy"] == ("Ignore" if environment == "dev" else "Fail")
        assert spec["validationActions"] == ["Deny", "Audit"]


def test_the_same_expressions_go_to_kyverno_and_to_the_api_server() -> None:
    kyverno, kubernetes = by_name(admission()), by_name(admission(engine="kubernetes"))
    judged = {name for kind, name in kyverno if kind == "ValidatingPolicy"}
    assert judged == {name for kind, name in kubernetes if kind == "ValidatingAdmissionPolicy"}
    assert judged == {name for kind, name in kubernetes if kind == "ValidatingAdmissionPolicyBinding"}
    for name in judged:
        ours = kyverno["ValidatingPolicy", name]["spec"]
        theirs = kubernetes["ValidatingAdmissionPolicy", name]["spec"]
        assert ours["matchConstraints"] == theirs["matchConstraints"]
        assert ours["variables"][1:] == theirs["variables"]
        for one, other in zip(ours["validations"], theirs["validations"], strict=True):
            assert one["expression"] == f"variables.excepted || {other['expression']}"
            assert one["message"] == other["message"]


def test_gatekeeper_gets_what_is_written_in_rego() -> None:
    found = admission(engine="gatekeeper")
    items = rendering.everything(found)
    templates = {item["metadata"]["name"]: item for item in items if item["kind"] == "ConstraintTemplate"}
    in_rego = {guard.policy.name for guard in found.guards if guard.policy.rego}
    assert set(templates) == {f"rampart{name.replace('-', '')}" for name in in_rego}
    [target] = templates["ramparthostnamespaces"]["spec"]["targets"]
    source = target["code"][0]["source"]
    assert source["version"] == "v1"
    assert source["rego"].splitlines()[1] == "package rampart.hostnamespaces"
    assert len(source["libs"]) == 2
    constraints = [item for item in items if item["kind"].startswith("Rampart")]
    assert {item["spec"]["enforcementAction"] for item in constraints} == {"deny"}
    assert all(item["kind"].lower() in templates for item in constraints)
    assert "not written for Gatekeeper" in found.unenforced()[-1]


def test_an_exception_is_rendered_with_its_end(tmp_path: Path) -> None:
    found = admission(exceptions=exceptions(tmp_path, {}))
    [exception] = [item for (kind, _n), item in by_name(found).items() if kind == "PolicyException"]
    assert exception["metadata"]["namespace"] == "kyverno"
    assert exception["metadata"]["annotations"]["rampart.k8s/approver"] == "bob"
    spec = exception["spec"]
    assert spec["policyRefs"] == [{"name": "rampart-prod-read-only-root", "kind": "ValidatingPolicy"}]
    # The policy compares it with the time: Kyverno itself would forget to.
    assert spec["allowedValues"] == [spec["expiresAt"]] == ["2026-12-20T00:00:00Z"]
    assert "'legacy'" in spec["matchConditions"][0]["expression"]

    by_server = by_name(admission(engine="kubernetes", exceptions=exceptions(tmp_path, {})))
    [condition] = by_server["ValidatingAdmissionPolicy", "rampart-prod-read-only-root"]["spec"][
        "matchConditions"
    ]
    assert "2026-12-20T00:00:00Z" in condition["expression"]
    by_opa = by_name(admission(engine="gatekeeper", exceptions=exceptions(tmp_path, {})))
    parameters = by_opa["RampartReadOnlyRoot", "rampart-prod-read-only-root"]["spec"]["parameters"]
    assert parameters["exceptions"] == [{"application": "legacy", "until": "2026-12-20T00:00:00Z"}]


def test_an_exception_that_has_ended_is_rendered_for_nobody(tmp_path: Path) -> None:
    ended = exceptions(tmp_path, {"expires": "2026-11-30"})
    assert not [kind for kind, _name in by_name(admission(exceptions=ended)) if kind == "PolicyException"]
    before = admission(now=NOW - timedelta(days=1), exceptions=ended)
    assert [kind for kind, _name in by_name(before) if kind == "PolicyException"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"policy": "no-such-policy"}, "about a policy that does not hold in prod"),
        ({"scope": {"namespace": "elsewhere", "application": "legacy"}}, "which no policy guards"),
        ({"scope": {"namespace": "prod"}}, "does not say for whom"),
        ({"scope": {"namespace": "prod", "application": "a'b"}}, "is no name"),
    ],
)
def test_an_exception_from_nothing_is_refused(change: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(RampartError, match=why):
        admission(exceptions=exceptions(tmp_path, change))


def test_what_is_enforced_is_known_by_its_digest(tmp_path: Path) -> None:
    def digest(**more: Any) -> str:
        item = by_name(admission(**more))["ValidatingPolicy", "rampart-prod-read-only-root"]
        return str(item["metadata"]["annotations"][DIGEST])

    assert digest() == digest()
    # An exception that comes or goes is another state of the same policy.
    assert digest() != digest(exceptions=exceptions(tmp_path, {}))


def ring(folder: Path, **more: Any) -> str:
    path = folder / "keyring.json"
    key = {
        "id": PUBLIC_KEY[0],
        "public_key": PUBLIC_KEY[1],
        "source": "file:a.key",
        "created": "2026-11-01T00:00:00Z",
        "expires": "2027-11-01T00:00:00Z",
        "state": "active",
        "retired": "",
        **more,
    }
    path.write_text(json.dumps({"version": 1, "keys": [key]}))
    return str(path)


def signed_environments() -> list[dict[str, Any]]:
    return [
        {**one, "admission": {**one["admission"], "signatures": ["rampart.local/*"]}}
        if one["name"] == "prod"
        else one
        for one in environments()
    ]


def test_signatures_and_attestations_are_demanded_as_before_a_deployment(tmp_path: Path) -> None:
    demands = [
        {"type": "cyclonedx"},
        {
            "type": "verdict:image_scan",
            "constraints": [{"path": "verdict", "equals": "passed"}, {"path": "time", "max_age_hours": 24}],
        },
    ]
    found = admission(
        environments=signed_environments(), keyring=ring(tmp_path), attestations={"prod": demands}
    )
    policy = by_name(found)["ImageValidatingPolicy", "rampart-prod-image-signatures"]["spec"]
    assert policy["matchImageReferences"] == [{"glob": "rampart.local/*"}]
    assert [each["intoto"]["type"] for each in policy["attestations"]] == [
        "https://cyclonedx.org/bom",
        "https://github.com/rampart-k8s/rampart.k8s/attestation/verdict/v1/image_scan",
    ]
    [attestor] = policy["attestors"]
    assert attestor["cosign"]["key"]["data"] == PUBLIC_KEY[1]
    assert attestor["cosign"]["ctlog"]["insecureIgnoreTlog"] is True
    signature, _sbom, verdict = [each["expression"] for each in policy["validations"]]
    assert "verifyImageSignatures(i, [attestors.key0]) > 0" in signature
    assert '.predicate[?"verdict"].orValue(dyn(null)) == "passed"' in verdict
    # A pod that starts again in the night must not need a scan of the same day.
    assert "24" not in verdict
    assert "[?'until']" in verdict
    # Every image once, and one policy: a second look at an image would wait for ever.
    assert [each["name"] for each in policy["images"]] == [
        "containers",
        "initContainers",
        "ephemeralContainers",
    ]
    assert ".distinct()" in policy["images"][0]["expression"]
    assert found.unenforced() == []


def test_without_a_ring_nobody_asks_and_it_is_said(tmp_path: Path) -> None:
    found = admission(environments=signed_environments(), keyring=str(tmp_path / "none.json"))
    assert not [kind for kind, _name in by_name(found) if kind == "ImageValidatingPolicy"]
    assert found.unenforced() == ["prod does not ask for signatures: there is no key ring yet"]


@pytest.mark.parametrize("key", [{"state": "retired"}, {"expires": "2026-11-29T00:00:00Z"}])
def test_a_ring_without_an_accepted_key_is_an_error(key: dict[str, str], tmp_path: Path) -> None:
    """Enforced, it would let nothing start; left out, it would let everything."""
    with pytest.raises(RampartError, match="No key of the ring"):
        admission(environments=signed_environments(), keyring=ring(tmp_path, **key))


def test_an_exception_from_signatures_stands_in_the_policy(tmp_path: Path) -> None:
    found = admission(
        environments=signed_environments(),
        keyring=ring(tmp_path),
        exceptions=exceptions(tmp_path, {"policy": images.POLICY}),
    )
    policy = by_name(found)["ImageValidatingPolicy", "rampart-prod-image-signatures"]["spec"]
    assert "time.now() < timestamp('2026-12-20T00:00:00Z')" in policy["matchConditions"][1]["expression"]
    assert not [kind for kind, _name in by_name(found) if kind == "PolicyException"]


def test_candidates_stand_beside_what_is_enforced(tmp_path: Path) -> None:
    found = admission(exceptions=exceptions(tmp_path, {})).as_candidates()
    environment = next(one for one in found.environments if one.name == "prod")
    policy, exception = rendering.judging(found, environment, "Warn")["read-only-root"]
    assert policy["metadata"]["name"] == "rampart-candidate-prod-read-only-root"
    assert policy["spec"]["validationActions"] == ["Warn", "Audit"]
    assert exception["spec"]["policyRefs"][0]["name"] == policy["metadata"]["name"]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(RampartError, match="'kubewarden' is no policy engine"):
        admission(engine="kubewarden")
