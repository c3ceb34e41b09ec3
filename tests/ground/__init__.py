# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real images and real databases for the tests of the scanners."""

import sys
from pathlib import Path

# The program is run by hand and by Molecule too, where nothing says where collections are.
_COLLECTIONS = str(Path(__file__).parents[2] / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
