# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Opens the images that are to be loaded, where they lie."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._load.wanted import Wanted
from ansible_collections.rampart.k8s.plugins.module_utils._oci.members import (
    FolderMembers,
    Members,
    TarMembers,
)
from ansible_collections.rampart.k8s.plugins.module_utils._oci.reading import PackedImage, open_image


class Sources:
    """Where images are read from. What is opened stays open: it is read again when it is sent."""

    def open(self, wanted: Wanted) -> PackedImage:
        """Read an image down to its configuration; no layer is read yet."""
        return open_image(self._members(wanted), wanted.choice)

    def _members(self, wanted: Wanted) -> Members:
        if wanted.source == "layout":
            return FolderMembers(Path(wanted.place))
        return TarMembers(Path(wanted.place))
