# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the images under test and the databases that know them; prints as JSON where they are."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tests.ground.databases import build_databases
from tests.ground.images import build_images, recipes


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.ground.build", description=__doc__)
    parser.add_argument("what", choices=["images", "databases"])
    parser.add_argument(
        "work", type=Path, help="the folder that gets everything; never one of this repository"
    )
    parser.add_argument(
        "names", nargs="*", metavar="image", help=f"one of {', '.join(recipes())}; default: all"
    )
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    if arguments.what == "databases":
        made = {name: pair.as_data() for name, pair in build_databases(work).items()}
    else:
        made = {name: image.as_data() for name, image in build_images(work, arguments.names).items()}
    print(json.dumps(made, indent=2))


if __name__ == "__main__":
    main()
