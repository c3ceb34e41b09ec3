# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hash of what pods read: where it comes from, and that nothing else of a manifest changes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from ansible_collections.rampart.k8s.plugins.module_utils._helm import config_hash
from ansible_collections.rampart.k8s.plugins.module_utils._helm.tool import source

MANIFESTS = """\
---
# Source: a/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {level: LEVEL, on: "yes", number: "1e3"}
---
# Source: a/templates/app.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: reads}
spec:
  template:
    metadata: {annotations: {day: 2026-01-01, exponent: 1e3}}
    spec:
      containers:
        - name: main
          READS
---
# Source: a/templates/other.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: reads-nothing}   # as it is
spec: {template: {spec: {containers: [{name: main}]}}}
"""
WAYS = {
    "envFrom": "envFrom: [{configMapRef: {name: settings}}]",
    "env": "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]",
    "volume": "image: x\n      volumes: [{name: v, configMap: {name: settings}}]",
    "projected": "image: x\n      volumes: [{projected: {sources: [{configMap: {name: settings}}]}}]",
}


def hashed(level: str, way: str) -> str:
    text = config_hash.add(MANIFESTS.replace("LEVEL", level).replace("READS", WAYS[way]))
    items = {item["metadata"]["name"]: item for item in yaml.safe_load_all(text) if item}
    annotations = items["reads"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["day"] == "2026-01-01"
    assert annotations["exponent"] == 1000.0
    assert "metadata: {name: reads-nothing}   # as it is" in text
    return str(annotations[config_hash.ANNOTATION])


@pytest.mark.parametrize("way", WAYS)
def test_a_change_of_what_is_read_changes_the_hash(way: str) -> None:
    assert hashed("info", way) == hashed("info", way)
    assert hashed("info", way) != hashed("debug", way)


def test_a_config_map_of_somebody_else_gives_none() -> None:
    text = MANIFESTS.replace("READS", "envFrom: [{configMapRef: {name: elsewhere}}]")
    assert config_hash.ANNOTATION not in config_hash.add(text)


def test_helm_can_run_it_with_nothing_around_it() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", source(config_hash.__name__)],
        input=MANIFESTS.replace("READS", WAYS["env"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert config_hash.ANNOTATION in done.stdout
