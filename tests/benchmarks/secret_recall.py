# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recall of secret_scan: which of the planted credentials it finds, channel by channel.

``python -m tests.benchmarks.secret_recall`` prints the table of docs/benchmarks/secrets.md. gitleaks, git
and helm must be on PATH.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._credentials.gitleaks import Gitleaks
from ansible_collections.rampart.k8s.plugins.module_utils._credentials.texts import Joined, Text

from tests.support.credentials import Maker
from tests.support.planting import CHANNELS, cluster_texts, module_finds, texts_found

SEEDS = (1, 2, 3)


def main() -> None:
    found: dict[str, int] = {}
    seconds: dict[str, float] = {}
    missed: dict[str, set[str]] = {}
    total = decoys = taken = 0
    for seed in SEEDS:
        planted = Maker(seed).all()
        total += len(planted)
        for name, plant in CHANNELS.items():
            with tempfile.TemporaryDirectory() as work:
                arguments = plant(Path(work), planted)
                started = time.monotonic()
                kinds = module_finds(arguments, planted)
            seconds[name] = seconds.get(name, 0) + time.monotonic() - started
            found[name] = found.get(name, 0) + len(kinds)
            missed.setdefault(name, set()).update({each.kind for each in planted} - kinds)
        for name, texts in cluster_texts(planted).items():
            kinds = texts_found(texts, planted)
            found[name] = found.get(name, 0) + len(kinds)
            missed.setdefault(name, set()).update({each.kind for each in planted} - kinds)
        lines = Maker(seed).decoys()
        decoys += len(lines)
        joined = Joined([Text(line, line) for line in lines])
        report = Gitleaks("gitleaks", timeout=60).texts(joined.content)
        taken += len({joined.locate(int(entry["StartLine"]))[0] for entry in report})
    print("| channel | found | recall | missed | s per run |")
    print("|---|---|---|---|---|")
    for name, count in found.items():
        pace = f"{seconds[name] / len(SEEDS):.1f}" if name in seconds else ""
        print(
            f"| {name} | {count} of {total} | {100 * count / total:.1f} % "
            f"| {', '.join(sorted(missed[name])) or 'none'} | {pace} |"
        )
    print(f"\nDecoys taken for credentials: {taken} of {decoys}.")


if __name__ == "__main__":
    main()
