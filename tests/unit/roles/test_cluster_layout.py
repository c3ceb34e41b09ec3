# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a cluster stands is computed in one role; a second formula would drift away from the first."""

from __future__ import annotations

import re

from tests.unit.collection import ROOT, load

HOME = "roles/cluster_layout/defaults/main.yml"
# The cluster's own defaults are its public interface, and say the same constants to their reader.
PUBLIC = "roles/cluster/defaults/main.yml"
FORMULA = re.compile(r"100 \* |/var/lib/rampart|198\.19\.|\b(?:6443|2379|5000) \+")


def test_no_other_file_computes_where_a_cluster_stands() -> None:
    found = [
        str(path.relative_to(ROOT))
        for folder in ("roles", "playbooks", "molecule")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".yml", ".j2"}
        and path.name != "argument_specs.yml"
        and FORMULA.search(path.read_text(encoding="utf-8"))
    ]
    assert found == [PUBLIC, HOME]


def test_the_constants_are_equal() -> None:
    layout, public = load(HOME), load(PUBLIC)
    assert f"default('{public['cluster_state_dir']}')" in layout["cluster_layout_state_dir"]
    assert f"default('{public['cluster_driver']}')" in layout["cluster_layout_driver"]
    assert f"default({public['cluster_index']})" in layout["cluster_layout_offset"]
    address = public["cluster_node_address"].replace("{{ cluster_index }}", "N")
    assert address.split("N")[0] in layout["cluster_layout_node_address"]
