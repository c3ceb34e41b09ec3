# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a Service again and again through the API server, and counts what it answers.

It ends as soon as so many different answers came ten times each.
``python -m tests.support.traffic KUBECONFIG NAMESPACE SERVICE:PORT SECONDS ANSWERS``
"""

from __future__ import annotations

import collections
import json
import sys
import time

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection

PAUSE = 0.1
OFTEN = 10


def main(kubeconfig: str, namespace: str, service: str, seconds: str, wanted: str) -> None:
    client = Client(Connection(kubeconfig), Redactor())
    path = f"/api/v1/namespaces/{namespace}/services/{service}/proxy/"
    answers: collections.Counter[str] = collections.Counter()
    deadline = time.monotonic() + float(seconds)
    while time.monotonic() < deadline and sum(count >= OFTEN for count in answers.values()) < int(wanted):
        answer = client.transport.send("GET", path, accept="*/*", once=True)
        answers[answer.body.decode() if answer.status == 200 else str(answer.status)] += 1
        time.sleep(PAUSE)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
