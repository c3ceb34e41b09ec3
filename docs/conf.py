# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration of the documentation site; `make docs` builds it (scripts/docs_site.sh)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ANSIBLE = "https://docs.ansible.com/ansible-core/devel"
# What antsibull-docs refers to on Ansible's own site, which a build does not ask.
ANSIBLE_PAGES = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "callback_plugins": f"{ANSIBLE}/plugins/callback.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}
OTHERS = re.compile(r"ansible_collections\.(\w+)\.(\w+)\.(\w+_(?:module|lookup|filter))")
REPOSITORY = "https://github.com/rampart-k8s/rampart.k8s/blob/main"
# A link of a guide that leaves docs/, as it works in the repository.
OUTSIDE = re.compile(r"\]\((?:\.\./)+((?!guides/|runbooks|benchmarks|limits)[^)#]+)")
CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)*", re.MULTILINE)

project = "rampart.k8s"
author = "rampart.k8s contributors"
project_copyright = "2026, rampart.k8s contributors"

extensions = ["myst_parser", "sphinxcontrib.mermaid", "sphinx_antsibull_ext"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = "rampart.k8s"
html_show_sphinx = False
html_copy_source = False
# Scripts come with the site, never from another machine while it is read.
html_static_path = ["_static"]
mermaid_width = mermaid_height = "auto"
mermaid_use_local = "mermaid/mermaid.esm.min.mjs"


def adapt(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Lead links to what is no page into the repository; the theme has contents of its own."""
    source[0] = CONTENTS.sub("", OUTSIDE.sub(rf"]({REPOSITORY}/\1", source[0]))


def lead_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, inside: nodes.Element
) -> nodes.Element | None:
    """Let a reference to Ansible's own pages lead there."""
    page = ANSIBLE_PAGES.get(node["reftarget"])
    if module := OTHERS.fullmatch(node["reftarget"]):
        page = "https://docs.ansible.com/ansible/latest/collections/{}/{}/{}.html".format(*module.groups())
    return nodes.reference("", "", inside, internal=False, refuri=page) if page else None


def setup(app: Sphinx) -> None:
    """Register what this site adds to Sphinx."""
    app.connect("source-read", adapt)
    app.connect("missing-reference", lead_to_ansible)
