# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._images.recipe import Entry
from ansible_collections.rampart.k8s.plugins.module_utils._images.sources import (
    expand,
    once,
    parse_ldd,
    with_libraries,
)

CLANG = Path("/usr/lib/llvm-19/bin/clang")

# Recorded on Debian 12, shortened.
LISTING = """\
\tlinux-vdso.so.1 (0x00007f80977b6000)
\tlibclang-cpp.so.19.1 => /usr/lib/llvm-19/bin/../lib/libclang-cpp.so.19.1 (0x00007f8093400000)
\tlibstdc++.so.6 => /lib/x86_64-linux-gnu/libstdc++.so.6 (0x00007f808b400000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f80977b8000)
"""


def test_the_libraries_and_the_loader_are_read_the_kernels_page_is_not() -> None:
    assert [str(path) for path in parse_ldd(CLANG, LISTING)] == [
        "/usr/lib/llvm-19/lib/libclang-cpp.so.19.1",
        "/lib/x86_64-linux-gnu/libstdc++.so.6",
        "/lib64/ld-linux-x86-64.so.2",
    ]


def test_a_library_that_the_machine_lacks_is_named() -> None:
    with pytest.raises(RampartError, match=r"has no libedit\.so\.2"):
        parse_ldd(CLANG, f"{LISTING}	libedit.so.2 => not found\n")


def test_a_folder_becomes_its_files_in_one_order(tmp_path: Path) -> None:
    for name in ("b/2.h", "b/1.h", "a.h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = expand(Entry("/lib", 0o644, tmp_path), libraries=False)
    assert [(entry.path, entry.mode, entry.kind) for entry in found] == [
        ("/lib/a.h", 0o644, "file"),
        ("/lib/b/1.h", 0o644, "file"),
        ("/lib/b/2.h", 0o644, "file"),
    ]


def test_what_is_missing_stays_for_the_reader_to_complain(tmp_path: Path) -> None:
    entry = Entry("/lib", 0o644, tmp_path / "missing")
    assert expand(entry, libraries=True) == [entry]


def test_a_program_stands_where_its_libraries_are_looked_for_from() -> None:
    link, program, *libraries = with_libraries(Entry("/opt/shell", 0o755, Path("/bin/sh")))
    real = Path("/bin/sh").resolve()
    assert (link.path, link.link, link.source) == ("/opt/shell", str(real), None)
    assert (program.path, program.source) == (str(real), real)
    assert any("libc.so" in entry.path for entry in libraries)
    assert all(entry.source and entry.path == str(entry.source) for entry in libraries)


def test_a_program_in_its_own_place_needs_no_link() -> None:
    real = Path(sys.executable).resolve()
    program, *libraries = with_libraries(Entry(str(real), 0o755, real))
    assert program == Entry(str(real), 0o755, real)
    assert libraries


def test_what_is_linked_to_nothing_comes_alone(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    entry = Entry("/script", 0o755, script)
    assert with_libraries(entry) == [entry]


def test_what_two_programs_share_goes_in_once_and_a_conflict_stays() -> None:
    shared = Entry("/lib/a", 0o755, Path("/lib/a"))
    other = Entry("/lib/a", 0o755, Path("/elsewhere/a"))
    assert once([shared, shared, other]) == (shared, other)
