# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import operator
import subprocess
import sys

import pytest
import yaml as real_yaml
from ansible_collections.rampart.k8s.plugins.module_utils._core import libraries
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError


def test_an_attribute_is_that_of_the_real_library() -> None:
    assert libraries.yaml.safe_load is real_yaml.safe_load


def test_a_name_that_the_library_lacks_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        operator.attrgetter("no_such_name")(libraries.yaml)


def test_a_missing_library_is_told_with_the_interpreter() -> None:
    with pytest.raises(RampartError, match="No-Such is not installed for") as caught:
        operator.attrgetter("anything")(libraries.Library("no_such_library", "No-Such"))
    assert sys.executable in caught.value.message
    assert "ansible_python_interpreter" in caught.value.next_step


def test_nothing_is_loaded_before_it_is_used() -> None:
    program = (
        "import sys\n"
        "from ansible_collections.rampart.k8s.plugins.module_utils._core import libraries\n"
        "assert 'urllib3' not in sys.modules\n"
        "libraries.urllib3.PoolManager\n"
        "assert 'urllib3' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
