#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_base
short_description: Makes base images from Debian packages, without a registry and without a shell in them
version_added: 0.1.0
author:
  - rampart.k8s contributors (@rampart-k8s)
description:
  - Makes each image of the newest packages of a Debian release and of what they depend on, security updates
    included, and of nothing else. Nothing is installed and no script of a package is run, so it needs no
    root, no Docker and no debootstrap.
  - The lists of packages are those that Debian signed, in a state of their own beside that of this machine's
    apt. Every file must have the sum that they name.
  - The same packages give the same digest on every machine. What is there with the newest packages is not
    made again.
  - Scanners find the packages where those of distroless images are recorded.
extends_documentation_fragment:
  - rampart.k8s.attributes
  - rampart.k8s.attributes.progress
options:
  bases:
    description: The images.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the image, as Dockerfiles will call it.
        type: str
        required: true
      packages:
        description:
          - The packages. What they depend on comes with them, and C(base-files), by which scanners see whose
            packages they are.
        type: list
        elements: str
        required: true
      without:
        description: Packages that are left out although others depend on them, with all that only they need.
        type: list
        elements: str
        default: []
      remove:
        description: Patterns of absolute paths that are left out, such as V(/usr/share/zoneinfo/*).
        type: list
        elements: str
        default: []
      accounts:
        description: The accounts beside root. None has a password or a shell.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The name of the user and of its group.
            type: str
            required: true
          number:
            description: The number of the user and of its group.
            type: int
            required: true
          home:
            description: The folder of the user. It is not made.
            type: str
            default: /nonexistent
      user:
        description: The user and group that the image runs as, as numbers.
        type: str
        default: '65532:65532'
      environment:
        description: The environment variables. Not for secrets, which anybody could read in the image.
        type: dict
        default: {}
      layout:
        description: The folder that becomes the image, as an OCI layout.
        type: path
        required: true
  suite:
    description: The release of Debian.
    type: str
    default: bookworm
  mirror:
    description: The address of a mirror of Debian. The default is what this machine's apt uses.
    type: str
    default: ''
  security_mirror:
    description:
      - The address of a mirror of Debian's security updates. The default is what this machine's apt uses.
    type: str
    default: ''
  keyring:
    description: The file with the keys that Debian's lists must be signed with.
    type: path
    default: /usr/share/keyrings/debian-archive-keyring.gpg
  max_age_hours:
    description: How old the lists of packages may be. Fresher ones are not fetched again.
    type: float
    default: 24.0
  accept_expired:
    description:
      - Take signed lists whose time is over, as a mirror that stood still offers them. Who stands between
        here and the mirror can then hold back newer packages. Lists of a stable release have no end.
    type: bool
    default: false
  cache_dir:
    description: Where lists and packages are kept. It only saves time.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    details: The lists are read, and fetched when they are too old; they are a cache. Images are not made.
  diff_mode:
    support: full
    details: Shows digests.
  idempotent:
    support: full
    details: A newer package in Debian makes the image anew, once O(max_age_hours) let it be seen.
  platform:
    platforms: linux
    support: full
seealso:
  - module: rampart.k8s.image_build
"""

EXAMPLES = r"""
- name: Make a base for programs in Python
  rampart.k8s.image_base:
    cache_dir: /var/cache/rampart/bases
    bases:
      - name: rampart.local/base/python
        packages: [python3.11, ca-certificates, netbase]
        without: [debconf, openssl]
        layout: /var/cache/rampart/bases/python
"""

RETURN = r"""
reason:
  description: Why something was made, or that nothing had to be.
  returned: always
  type: str
  sample: "rampart.local/base/python: its recipe or the newest packages changed"
bases:
  description: The images in the order given, with their packages.
  returned: success
  type: list
  elements: dict
  sample:
    - name: rampart.local/base/python
      layout: /var/cache/rampart/bases/python
      digest: sha256:9c1b2e7a9f3c...
      packages:
        - name: libc6
          version: 2.36-9+deb12u14
          sha256: ba4f88f73dbc...
      reason: it is as it should be
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.command import proxies
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._debian.apt import KEYRING, Apt, Suite
from ansible_collections.rampart.k8s.plugins.module_utils._debian.operation import ImageBase, Recipe
from ansible_collections.rampart.k8s.plugins.module_utils._debian.rootfs import Account
from ansible_collections.rampart.k8s.plugins.module_utils._images.manifest import architecture

NAMES = {"type": "list", "elements": "str", "default": []}
ACCOUNT = {
    "name": {"type": "str", "required": True},
    "number": {"type": "int", "required": True},
    "home": {"type": "str", "default": "/nonexistent"},
}
BASE = {
    "name": {"type": "str", "required": True},
    "packages": {"type": "list", "elements": "str", "required": True},
    "without": NAMES,
    "remove": NAMES,
    "accounts": {"type": "list", "elements": "dict", "default": [], "options": ACCOUNT},
    "user": {"type": "str", "default": "65532:65532"},
    "environment": {"type": "dict", "default": {}},
    "layout": {"type": "path", "required": True},
}

SPEC = PROGRESS | ArgumentSpec(
    {
        "bases": {"type": "list", "elements": "dict", "required": True, "options": BASE},
        "suite": {"type": "str", "default": "bookworm"},
        "mirror": {"type": "str", "default": ""},
        "security_mirror": {"type": "str", "default": ""},
        "keyring": {"type": "path", "default": KEYRING, "no_log": False},
        "max_age_hours": {"type": "float", "default": 24.0},
        "accept_expired": {"type": "bool", "default": False},
        "cache_dir": {"type": "path", "required": True},
    }
)


def recipe(item: dict[str, Any]) -> Recipe:
    """Turn one entry of the option into a recipe."""
    return Recipe(
        name=item["name"],
        packages=tuple(item["packages"]),
        without=tuple(item["without"]),
        remove=tuple(item["remove"]),
        accounts=tuple(Account(each["name"], each["number"], each["home"]) for each in item["accounts"]),
        user=item["user"],
        environment={name: str(value) for name, value in item["environment"].items()},
        layout=Path(item["layout"]),
    )


def build(module: AnsibleModule, redactor: Redactor) -> ImageBase:
    """Turn the options into the operation; nothing of them is secret."""
    options = module.params
    machine = architecture()
    suite = Suite(
        options["suite"],
        machine,
        options["mirror"],
        options["security_mirror"],
        options["keyring"],
        options["accept_expired"],
    )
    return ImageBase(
        recipes=[recipe(item) for item in options["bases"]],
        apt=Apt(suite, Path(options["cache_dir"]), proxies()),
        architecture=machine,
        max_age_hours=options["max_age_hours"],
        progress=Progress(options["_progress_file"]),
        check_mode=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
