# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one layer of /tmp/app, in /tmp/layer: the modules and their compiled form, so that no start makes it.

``layer.py [FOLDER...]`` compiles the modules of these folders as well, which the base has as sources. By
content, not by time, since the root of a running container cannot be written to. All is dated long before any
commit: a builder dates what is newer by the commit, and a layer with another date is another layer.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

WORK = Path("/tmp")  # noqa: S108
# 1980-01-01T00:00:00Z, the first date that every archive can hold.
DATE = 315532800


def make(work: Path, more: Iterable[str]) -> bool:
    """Turn ``work/app`` into ``work/layer``; tell whether every module could be compiled."""
    sources, compiled, layer = work / "app", work / "compiled", work / "layer"
    sys.pycache_prefix = str(compiled)
    for folder in (str(sources), *more):
        whole = compileall.compile_dir(
            folder,
            maxlevels=99,
            force=True,
            quiet=1,
            stripdir=str(work),
            prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        if not whole:
            return False
    (layer / "compiled").mkdir(parents=True)
    shutil.move(compiled.joinpath(*sources.parts[1:]), layer / "compiled/app")
    if compiled.joinpath("usr").exists():
        shutil.move(compiled / "usr", layer / "compiled/usr")
    shutil.move(sources, layer / "app")
    for path in layer.rglob("*"):
        os.utime(path, (DATE, DATE), follow_symlinks=False)
    return True


if __name__ == "__main__":
    sys.exit(not make(WORK, sys.argv[1:]))
