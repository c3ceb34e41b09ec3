#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: minikube_profile
short_description: Starts, reuses, stops or deletes a minikube profile
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Brings a minikube profile with the Docker driver and containerd into the state that is asked for.
  - What has to happen is decided from what minikube says about the profile, from its recorded settings, and
    from the files in its node. A profile that runs as it should is not started again.
  - A setting that cannot be changed in a profile, such as an address range, is an error that names it. The
    profile is never deleted for that.
  - An earlier start that failed before it came to a cluster is deleted and started anew.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
    details: Without minikube or without its home there is no profile.
  diff_mode:
    description: Will return details on what has changed when in diff mode.
    support: full
    details: Shows states and the names of files.
  idempotent:
    description: When run twice in a row outside check mode, the second run changes nothing.
    support: full
  platform:
    description: Target OS that can be operated against.
    support: full
    platforms: linux
options:
  name:
    description: The name of the profile. It is also the name of the context, the node and its container.
    type: str
    required: true
  state:
    description:
      - V(started) makes it run, V(stopped) stops it and keeps everything in it, V(absent) deletes it.
    type: str
    choices: [started, stopped, absent]
    default: started
  binary:
    description: The path of minikube.
    type: path
    required: true
  home:
    description:
      - The folder for minikube's state (E(MINIKUBE_HOME)), whose last part is C(.minikube).
      - The files below its folder C(files) are copied into the node; one that differs there is a reason to
        start the profile again.
    type: path
    required: true
  kubeconfig:
    description: The kubeconfig that minikube writes. No other one is touched.
    type: path
    required: true
  docker_host:
    description: The address of the Docker daemon.
    type: str
    required: true
  kubernetes_version:
    description: The version, with its C(v). Empty leaves it to minikube, and an existing one as it is.
    type: str
    default: ''
  base_image:
    description:
      - The node image. Empty means minikube's own.
      - It belongs to the node's container, so an existing profile keeps the one that it has.
    type: str
    default: ''
  preload:
    description: Whether minikube downloads its archive with all images, which is faster than one by one.
    type: bool
    default: true
  offline:
    description: Whether the internet is out of reach. minikube then does not ask there about the version.
    type: bool
    default: false
  cni:
    description: The network of the pods, in minikube's words.
    type: str
    default: bridge
  service_cidr:
    description:
      - The range of the services' addresses. Those of the pods are the same in every minikube,
        C(10.244.0.0/16), and exist inside of the node only.
    type: str
    default: 10.96.0.0/12
  dns_domain:
    description: The DNS domain of the cluster.
    type: str
    default: cluster.local
  cpus:
    description: How many processors the node may use.
    type: int
    default: 2
  memory_mb:
    description: How much memory the node may use.
    type: int
    default: 4000
  mount:
    description: A folder of this machine to mount into the node, as C(/here:/there).
    type: str
    default: ''
  addons:
    description: The addons of minikube to enable. None are unless named.
    type: list
    elements: str
    default: []
  extra_config:
    description: The flags of components, by component (V(apiserver), V(kubelet) and so on) and flag.
    type: dict
    default: {}
  cached_files:
    description: Files for minikube's cache, by their path in it. The values are absolute paths.
    type: dict
    default: {}
  timeout:
    description: How many seconds a start, a stop or a removal may take.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Start a profile with an audit log
  rampart.k8s.minikube_profile:
    name: demo
    binary: /usr/local/bin/minikube
    home: /var/lib/rampart/demo/minikube/.minikube
    kubeconfig: /var/lib/rampart/demo/admin.kubeconfig
    docker_host: unix:///var/run/docker.sock
    kubernetes_version: v1.36.3
    extra_config:
      apiserver:
        audit-policy-file: /var/lib/minikube/certs/audit-policy.yaml
        audit-log-path: "-"

- name: Delete it
  rampart.k8s.minikube_profile:
    name: demo
    state: absent
    binary: /usr/local/bin/minikube
    home: /var/lib/rampart/demo/minikube/.minikube
    kubeconfig: /var/lib/rampart/demo/admin.kubeconfig
    docker_host: unix:///var/run/docker.sock
"""

RETURN = r"""
reason:
  description: Why something was done, or that nothing had to be.
  returned: always
  type: str
  sample: there is no such profile
profile:
  description: The name of the profile.
  returned: success
  type: str
  sample: demo
action:
  description: One of V(none), V(start), V(restart), V(replace), V(stop) and V(delete).
  returned: success
  type: str
  sample: start
state:
  description:
    - How the profile is afterwards, one of V(absent), V(broken), V(stopped), V(degraded), V(running) and
      V(unknown). In check mode, how it was found.
  returned: success
  type: str
  sample: running
kept:
  description: What differs from the options, but was left because it belongs to the node's container.
  returned: success
  type: list
  elements: str
  sample: []
kubeconfig:
  description: The kubeconfig.
  returned: success
  type: str
  sample: /var/lib/rampart/demo/admin.kubeconfig
minikube_error:
  description: minikube's name for what went wrong.
  returned: when minikube fails
  type: str
  sample: RSRC_INSUFFICIENT_REQ_MEMORY
log_tail:
  description: The end of minikube's log of the start and of the node's, errors first of all, without tokens.
  returned: when minikube fails
  type: list
  elements: str
  sample: []
"""

import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.profile import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.profile_operation import (
    CacheFile,
    ProfileOperation,
)
from ansible_collections.rampart.k8s.plugins.module_utils._minikube.tool import Minikube, Places

SPEC = PROGRESS | ArgumentSpec(
    {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        "binary": {"type": "path", "required": True},
        "home": {"type": "path", "required": True},
        "kubeconfig": {"type": "path", "required": True},
        "docker_host": {"type": "str", "required": True},
        "kubernetes_version": {"type": "str", "default": ""},
        "base_image": {"type": "str", "default": ""},
        "preload": {"type": "bool", "default": True},
        "offline": {"type": "bool", "default": False},
        "cni": {"type": "str", "default": "bridge"},
        "service_cidr": {"type": "str", "default": "10.96.0.0/12"},
        "dns_domain": {"type": "str", "default": "cluster.local"},
        "cpus": {"type": "int", "default": 2},
        "memory_mb": {"type": "int", "default": 4000},
        "mount": {"type": "str", "default": ""},
        "addons": {"type": "list", "elements": "str", "default": []},
        "extra_config": {"type": "dict", "default": {}},
        "cached_files": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 600},
    }
)

# What minikube accepts; a name that begins with a dash would be an option.
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


def flag_value(value: Any) -> str:
    """Write a value as a flag has it; YAML has made a bool of true and false."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def build(module: AnsibleModule, redactor: Redactor) -> ProfileOperation:
    """Make the operation; nothing of its options is secret."""
    params: dict[str, Any] = module.params
    if not NAME.fullmatch(params["name"]):
        raise RampartError(
            f"{params['name']!r} cannot be the name of a minikube profile.",
            next_step="use lower-case letters, digits and dashes, two characters or more",
        )
    home = Path(params["home"])
    extra = {
        part: {key: flag_value(value) for key, value in flags.items()}
        for part, flags in params["extra_config"].items()
    }
    return ProfileOperation(
        minikube=Minikube(
            Places(Path(params["binary"]), home, Path(params["kubeconfig"]), params["docker_host"])
        ),
        state=params["state"],
        wanted=Wanted(
            name=params["name"],
            kubernetes_version=params["kubernetes_version"],
            base_image=params["base_image"],
            preload=params["preload"],
            cni=params["cni"],
            service_cidr=params["service_cidr"],
            dns_domain=params["dns_domain"],
            cpus=params["cpus"],
            memory_mb=params["memory_mb"],
            mount=params["mount"],
            extra=extra,
            addons=tuple(params["addons"]),
        ),
        cache=[CacheFile(Path(source), place) for place, source in params["cached_files"].items()],
        offline=params["offline"],
        timeout=params["timeout"],
        progress=Progress(params["_progress_file"]),
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
