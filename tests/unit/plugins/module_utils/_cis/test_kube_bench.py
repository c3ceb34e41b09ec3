# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._cis import definitions
from ansible_collections.rampart.k8s.plugins.module_utils._cis.host import Process
from ansible_collections.rampart.k8s.plugins.module_utils._cis.kube_bench import KubeBench, parse
from ansible_collections.rampart.k8s.plugins.module_utils._cis.layout import kube_bench_files, replaced_paths
from ansible_collections.rampart.k8s.plugins.module_utils._cis.model import Definition, Status
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError

RECORDED = Path(__file__).parents[4] / "fixtures/cis/kube-bench-0.12.0-cis-1.10.json"
PROCESSES = {"apiserver": Process(11, ("kube-apiserver",)), "kubelet": Process(12, ("kubelet",))}


@pytest.fixture
def recorded() -> Any:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def wanted(answer: Any) -> list[Definition]:
    return [
        Definition(result["test_number"], result["test_desc"])
        for block in answer["Controls"]
        for group in block["tests"]
        for result in group["results"]
    ]


def test_a_recorded_answer(recorded: Any) -> None:
    found = parse(recorded, wanted(recorded))
    assert {number: str(finding.status) for number, finding in found.items()} == {
        "1.1.7": "PASS",
        "1.1.12": "FAIL",
        "1.1.20": "WARN",
        "1.2.1": "WARN",
        "1.2.11": "WARN",
        "1.2.20": "WARN",
        "1.2.28": "WARN",
        "2.1": "PASS",
        "3.1.1": "WARN",
        "3.2.1": "PASS",
        "4.2.7": "WARN",
        "4.2.10": "PASS",
    }


def test_evidence_shows_the_flag_and_not_all_arguments(recorded: Any) -> None:
    found = parse(recorded, wanted(recorded))
    assert found["4.2.7"].evidence[0] == "found: kubelet --hostname-override=local"
    assert found["1.2.1"].evidence[0] == "found: kube-apiserver (--anonymous-auth is not set)"
    assert found["1.1.20"].evidence[0] == "found: 19 x permissions=644"


@pytest.mark.parametrize(
    "answer", [None, {}, [], {"Controls": None}, {"Controls": [{"tests": [{}]}]}, "text"]
)
def test_an_answer_in_another_form_is_no_answer(answer: Any) -> None:
    with pytest.raises(RampartError, match="not whole"):
        parse(answer, [])


def test_a_missing_control_is_no_pass(recorded: Any) -> None:
    asked = wanted(recorded)
    recorded["Controls"].pop()
    with pytest.raises(RampartError, match=r"no answer to .*4\.2\.7"):
        parse(recorded, asked)


def test_an_empty_list_of_controls_is_no_pass() -> None:
    with pytest.raises(RampartError, match=r"no answer to 1\.1\.1"):
        parse({"Controls": []}, [Definition("1.1.1", "x")])


def test_two_answers_to_one_control_are_refused(recorded: Any) -> None:
    recorded["Controls"].append(copy.deepcopy(recorded["Controls"][0]))
    with pytest.raises(RampartError, match="twice"):
        parse(recorded, wanted(recorded))


def test_an_unknown_status_is_refused(recorded: Any) -> None:
    recorded["Controls"][0]["tests"][0]["results"][0]["status"] = "MAYBE"
    with pytest.raises(RampartError, match="not in the form"):
        parse(recorded, wanted(recorded))


@pytest.mark.parametrize(
    ("audit", "expected"),
    [
        ("/bin/ps -ef | grep $apiserverbin | grep -v grep", "/bin/ps -ww -o args= -p 11"),
        ("/bin/ps -ef | /bin/grep $etcdbin | /bin/grep -v grep", "true"),
        ("/bin/ps -fC $kubeletbin", "/bin/ps -ww -o args= -p 12"),
        ("/bin/ps -fC $proxybin", "true"),
        (
            "X=$(ps -ef | grep kubelet | grep -v apiserver | grep -- --client-ca-file=)",
            "X=$(/bin/ps -ww -o args= -p 12 | grep -- --client-ca-file=)",
        ),
        (
            "for d in $(ps -ef | grep $etcdbin | grep -- --data-dir | sed 's%x%y%'); do",
            "for d in $(true | grep -- --data-dir | sed 's%x%y%'); do",
        ),
        (
            "/bin/sh -c 'if test -e $etcdconf; then find $etcdconf -name '*etcd*' | xargs stat -c %U:%G; fi'",
            "/bin/sh -c 'if test -e $etcdconf; then stat -c %U:%G $etcdconf; fi'",
        ),
        ("find /etc/kubernetes/pki/ | xargs stat -c %U:%G", "find /c/pki/ | xargs stat -c %U:%G"),
        ("/etc/kubernetes/super-admin.conf /etc/kubernetes/admin.conf", "/c/s /c/a"),
    ],
)
def test_audits_look_at_one_cluster(audit: str, expected: str) -> None:
    paths = replaced_paths({"pki": "/c/pki/", "admin_kubeconfig": "/c/a", "super_admin_kubeconfig": "/c/s"})
    assert definitions.redirect(audit, PROCESSES, paths) == expected


def test_a_way_to_look_that_is_not_known_is_refused() -> None:
    with pytest.raises(RampartError, match="not known here"):
        definitions.redirect("ps -ef | awk /kube-apiserver/", PROCESSES, {})


def check(number: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "text": f"Ensure {number}", "remediation": "do\n  it", "scored": True, **more}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checks = [
        check("1.2.1", audit="/bin/ps -ef | grep $apiserverbin", tests={"test_items": [{"flag": "--a"}]}),
        check("1.2.28", audit="grep secret $conf"),
    ]
    (tmp_path / "cis").mkdir()
    text = yaml.safe_dump({"id": 1, "groups": [{"id": "1.2", "checks": checks}]})
    (tmp_path / "cis/master.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_only_where_a_check_looks_is_changed(folder: Path) -> None:
    before = yaml.safe_load((folder / "cis/master.yaml").read_text(encoding="utf-8"))
    after = yaml.safe_load(definitions.render(folder, "cis", ("master",), PROCESSES, {})["cis/master.yaml"])
    for data in (before, after):
        for one in definitions.checks(data):
            one.pop("audit")
    assert before == after


def test_the_check_that_would_print_a_key_is_not_run(folder: Path) -> None:
    rendered = definitions.render(folder, "cis", ("master",), PROCESSES, {})["cis/master.yaml"]
    audits = {one["id"]: one["audit"] for one in definitions.checks(yaml.safe_load(rendered))}
    assert audits["1.2.28"] == "true"


def test_definitions_that_are_missing_or_empty_are_refused(folder: Path) -> None:
    assert definitions.controls(folder, "cis", "master")[0].remediation == "do it"
    with pytest.raises(RampartError, match="No such file"):
        definitions.controls(folder, "cis", "node")
    (folder / "cis/node.yaml").write_text("groups: []\n")
    with pytest.raises(RampartError, match="hold no control"):
        definitions.controls(folder, "cis", "node")


def test_every_component_has_the_one_path_that_is_right() -> None:
    files = kube_bench_files({"service": "/c/supervisord.conf", "etcd_data": "/c/data"})
    data = yaml.safe_load(definitions.configuration("cis", ("master",), files))
    assert data["master"]["etcd"] == {
        "bins": ["etcd"],
        "confs": ["/c/supervisord.conf"],
        "defaultconf": "/c/supervisord.conf",
        "datadirs": ["/c/data"],
        "defaultdatadir": "/c/data",
        "optional": True,
    }
    assert data["target_mapping"] == {"cis": ["master"]}


def program(folder: Path, script: str) -> str:
    path = folder / "kube-bench"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "not whole JSON"),
        ("echo '{\"Controls\": ['", "not whole JSON"),
        ("echo '{\"Controls\": []}'", "no answer to 1.2.1"),
        ("echo broken >&2; exit 1", "broken"),
        ("sleep 60", "still running"),
    ],
)
def test_a_kube_bench_that_fails_closes_the_gate(folder: Path, script: str, said: str) -> None:
    bench = KubeBench(program(folder, script), folder, "cis", 1.0)
    with pytest.raises(RampartError, match=said):
        bench.run(("master",), PROCESSES, {}, {})


def test_a_kube_bench_that_is_missing_closes_the_gate(folder: Path) -> None:
    with pytest.raises(RampartError, match="Could not start"):
        KubeBench("/nowhere/kube-bench", folder, "cis", 1.0).run(("master",), PROCESSES, {}, {})


def test_status_words_are_those_of_the_benchmark() -> None:
    assert [str(status) for status in Status] == ["PASS", "FAIL", "WARN", "NOT APPLICABLE"]
