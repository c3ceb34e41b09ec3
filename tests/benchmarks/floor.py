# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor of B1 in a process of its own: nothing but one kept-alive request for each object."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._kube.client import Client
from ansible_collections.rampart.k8s.plugins.module_utils._kube.discovery import Discovery
from ansible_collections.rampart.k8s.plugins.module_utils._kube.objects import Ref
from ansible_collections.rampart.k8s.plugins.module_utils._kube.options import Connection


def main() -> None:
    """Read every object once, or apply every object once when told so."""
    kubeconfig, manifests, verb = sys.argv[1:]
    client = Client(Connection(kubeconfig), Redactor())
    discovery = Discovery(client)
    for definition in json.loads(Path(manifests).read_text())["items"]:
        ref = Ref.of(definition)
        path = discovery.require(ref.api_version, ref.kind).path(ref)
        if verb == "get":
            client.get(path)
        else:
            client.apply(path, definition, field_manager="floor")


if __name__ == "__main__":
    main()
