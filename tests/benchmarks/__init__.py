# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Benchmarks as programs: ``python -m tests.benchmarks.<name>`` from the root of the project."""

from __future__ import annotations

import sys
from pathlib import Path

# The collection is found by its full name through the tracked link, as Ansible finds it.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))
