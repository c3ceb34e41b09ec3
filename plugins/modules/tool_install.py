#!/usr/bin/python
# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs the tools that this collection runs, from verified sources."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tool_install
short_description: Install command line tools and node programs from verified sources
version_added: 0.1.0
description:
  - Makes a list of tools available below one prefix, in one task.
  - For each tool it takes the first source that can give the wanted version. The order is fixed. First a
    program that is on the PATH already, then the cache, the operator's mirror, the project's official
    release by URL and sha256, and last a build from the tool's pinned Go module.
  - Every source is verified. A program on the PATH must say an accepted version and must not be writable by
    other users; a cached artifact must have the sums of its manifest; a file of the mirror must have the
    sum of the mirror's C(SHA256SUMS); a release must have the sum of the list; a build must use
    exactly what C(go.mod) and C(go.sum) pin. A wrong sum is an error that names both sums and the file.
    Another source is not tried then.
  - An official release that cannot be reached is not an error when the tool can be built.
  - What is got or built is kept in O(cache_dir), one folder for each artifact, and linked from O(prefix). A
    run that was killed leaves no half-made artifact; the next run finishes its work.
extends_documentation_fragment:
  - rampart.k8s.attributes.progress
attributes:
  check_mode:
    support: full
    description: Says what each tool would come from and why. It reads local files, the mirror's list, and the
      heads of official releases; it writes nothing.
  diff_mode:
    support: full
    description: Shows the links that change and the sources of what is got.
  idempotent:
    support: full
    description: When every tool is there, verified and linked, nothing changes.
  platform:
    support: full
    platforms: linux
    description: Works on Linux, on amd64 and arm64.
options:
  tools:
    description: The tools. The guide C(docs/guides/add-a-tool.md) explains an entry by an example.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The tool's name, in lower-case letters, digits and dashes.
        type: str
        required: true
      version:
        description: The wanted version, without a leading C(v).
        type: str
        required: true
      provides:
        description: The programs that it puts below O(prefix), as places like C(bin/etcd) or
          C(libexec/cni/bridge).
        type: list
        elements: str
        required: true
      data:
        description: Folders that it needs at run time, by place. They are copied from a Go module that the
          build pins. Each value has the keys C(module) and C(path). A tool that writes into them is given a
          copy; see O(rampart.k8s.config_files#module:copies).
        type: dict
      system:
        description: How the tool is recognised on the PATH. Without it the PATH is not searched.
        type: dict
        suboptions:
          ask:
            description: The arguments that make a program say its version, by place.
            type: dict
          accept:
            description: The accepted versions, like V(>=1.1,<2). The default is the wanted version alone.
            type: str
          programs:
            description: The program's name on the PATH, by place, where it differs.
            type: dict
          package:
            description: The Debian package that brings it, for messages. This module installs no packages.
            type: str
          python:
            description: The Python package that brings it, in the wanted version. Its programs are looked for
              beside the interpreter that runs this module too. This module installs no packages.
            type: str
      release:
        description: The project's official release.
        type: dict
        suboptions:
          amd64:
            description: The files for amd64.
            type: list
            elements: dict
            suboptions: &release
              url:
                description: An C(https) address.
                type: str
                required: true
              sha256:
                description: The file's sha256, from a list that the project or a distribution publishes.
                type: str
                required: true
              place:
                description: Where the file goes when it is a program itself.
                type: str
              members:
                description: The names of the archive's members, by place, when it is an archive.
                type: dict
          arm64:
            description: The files for arm64.
            type: list
            elements: dict
            suboptions: *release
      go:
        description: How it is built from a Go module.
        type: dict
        suboptions:
          folder:
            description: The module's folder below O(go_modules_dir), with C(go.mod) and C(go.sum).
            type: str
            required: true
          packages:
            description: The package of each program, by place.
            type: dict
            required: true
          ldflags:
            description: Linker flags besides C(-s -w).
            type: list
            elements: str
          tags:
            description: Build tags.
            type: list
            elements: str
          cgo:
            description: Whether C code is compiled, which needs a C compiler.
            type: bool
            default: false
          experiment:
            description: The value of C(GOEXPERIMENT).
            type: str
          memory_mb:
            description: What the build needs of memory at its height. Builds run at the same time only while
              the machine's free memory holds them all.
            type: int
            default: 1500
          disk_mb:
            description: What the build needs on the disk, the Go caches included.
            type: int
            default: 1000
  prefix:
    description: The folder that gets C(bin), C(libexec) and C(share) with the links.
    type: path
    required: true
  cache_dir:
    description: The folder of artifacts. It is refused when other users can write to it.
    type: path
    required: true
  go_modules_dir:
    description: The folder that holds the Go modules of the tools.
    type: path
    required: true
  mirror:
    description:
      - A folder or URL that holds C(<name>-<version>-linux-<architecture>.tar.gz) for each tool and a
        C(SHA256SUMS) as C(sha256sum) writes it. The members of an archive are the places of the tool.
      - A mirror that cannot be read is an error. A tool that it does not list comes from the next source.
    type: str
  mirror_sha256:
    description: The sha256 of the mirror's C(SHA256SUMS). A plain C(http) mirror is accepted only with it.
    type: str
  sources:
    description: The sources that may be used. Their order does not matter.
    type: list
    elements: str
    choices: [path, cache, mirror, release, build]
    default: [path, cache, mirror, release, build]
  verify:
    description:
      - With V(fast), a cached file is hashed again only when the kernel says that it changed since it was
        hashed last (device, inode, size, and times of change, of which the inode's cannot be set by a
        program).
      - With V(full), every file is hashed in every run. This also sees a disk that changes bytes by itself.
    type: str
    choices: [fast, full]
    default: fast
author:
  - rampart.k8s contributors (@rampart-k8s)
"""

EXAMPLES = r"""
- name: Have crane in its pinned version
  rampart.k8s.tool_install:
    prefix: /opt/rampart
    cache_dir: /opt/rampart/tools
    go_modules_dir: "{{ role_path }}/files"
    tools:
      - name: crane
        version: 0.22.1
        provides: [bin/crane]
        system:
          ask:
            bin/crane: [version]
        go:
          folder: crane
          packages:
            bin/crane: github.com/google/go-containerregistry/cmd/crane
          ldflags:
            - -X github.com/google/go-containerregistry/cmd/crane/cmd.Version=0.22.1
"""

RETURN = r"""
reason:
  description: Why something changes, or that nothing has to.
  returned: always
  type: str
  sample: all 16 tools are here, verified and linked
bin_dir:
  description: The folder of the programs.
  returned: success
  type: str
  sample: /opt/rampart/bin
tools:
  description: What became of each tool, in the order of O(tools).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The tool's name.
      type: str
    version:
      description: The wanted version.
      type: str
    source:
      description: Where it comes from, one of O(sources), or V(package) in check mode, when a package would
        bring it.
      type: str
    reason:
      description: What each source said, up to the one that was taken.
      type: str
    changed:
      description: Whether it was (in check mode, would be) got or linked anew.
      type: bool
    files:
      description: The link, its target and the program's sha256, by place. Before a tool is got, the last
        two are null.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rampart.k8s.plugins.module_utils._core.argspec import PROGRESS, ArgumentSpec
from ansible_collections.rampart.k8s.plugins.module_utils._core.module import run
from ansible_collections.rampart.k8s.plugins.module_utils._core.redact import Redactor
from ansible_collections.rampart.k8s.plugins.module_utils._tools.decide import SOURCES
from ansible_collections.rampart.k8s.plugins.module_utils._tools.install import ToolInstall

RELEASE = {
    "type": "list",
    "elements": "dict",
    "options": {
        "url": {"type": "str", "required": True},
        "sha256": {"type": "str", "required": True},
        "place": {"type": "str"},
        "members": {"type": "dict"},
    },
}

TOOL = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "provides": {"type": "list", "elements": "str", "required": True},
    "data": {"type": "dict"},
    "system": {
        "type": "dict",
        "options": {
            "ask": {"type": "dict"},
            "accept": {"type": "str"},
            "programs": {"type": "dict"},
            "package": {"type": "str"},
            "python": {"type": "str"},
        },
    },
    "release": {"type": "dict", "options": {"amd64": RELEASE, "arm64": RELEASE}},
    "go": {
        "type": "dict",
        "options": {
            "folder": {"type": "str", "required": True},
            "packages": {"type": "dict", "required": True},
            "ldflags": {"type": "list", "elements": "str"},
            "tags": {"type": "list", "elements": "str"},
            "cgo": {"type": "bool", "default": False},
            "experiment": {"type": "str"},
            "memory_mb": {"type": "int", "default": 1500},
            "disk_mb": {"type": "int", "default": 1000},
        },
    },
}

SPEC = PROGRESS | ArgumentSpec(
    {
        "tools": {"type": "list", "elements": "dict", "required": True, "options": TOOL},
        "prefix": {"type": "path", "required": True},
        "cache_dir": {"type": "path", "required": True},
        "go_modules_dir": {"type": "path", "required": True},
        "mirror": {"type": "str"},
        "mirror_sha256": {"type": "str"},
        "sources": {"type": "list", "elements": "str", "choices": list(SOURCES), "default": list(SOURCES)},
        "verify": {"type": "str", "choices": ["fast", "full"], "default": "fast"},
    }
)


def build(module: AnsibleModule, redactor: Redactor) -> ToolInstall:
    """Make the operation; nothing of its arguments is secret."""
    return ToolInstall(module.params, check_mode=module.check_mode)


def main() -> None:
    """Run the module."""
    run(SPEC, build)


if __name__ == "__main__":
    main()
