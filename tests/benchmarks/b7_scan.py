# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""B7: image_scan and a shell loop of the same scanners, on the same images, and what each of them finds.

``python -m tests.benchmarks.b7_scan [--runs 3]``

The loop is what people write today: each scanner on each image, exit codes looked at, no merging, no
exceptions with an end, no memory of what was judged. Both begin without any cache of layers, both
have the databases. They take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Cost, median, run
from tests.ground.databases import Databases, tool
from tests.ground.oci import Written
from tests.support import labelled

NAMES = ("bad-app", "good-app", "medium-app", "eol-app")

LOOP = """\
set -u
for image in {images}; do
  {trivy} image --quiet --input "$image" --cache-dir {work}/trivy --scanners vuln,license --format json \\
    --skip-db-update --skip-java-db-update --skip-version-check --offline-scan --list-all-pkgs \\
    --output {work}/trivy.json || exit 1
  {grype} "docker-archive:$image" --output json={work}/grype.json \\
    --output cyclonedx-json={work}/sbom.json || exit 1
  {dockle} --format json --output {work}/dockle.json --input "$image" || exit 1
done
"""

MODULE = (
    "import json, sys; from tests.support.modules import call; "
    "answer = call('image_scan', json.load(open(sys.argv[1]))); "
    "sys.exit(0 if 'images' in answer else answer['msg'])"
)


def loop(images: Mapping[str, Written], pair: Databases, work: Path) -> Cost:
    """Run the shell loop in an empty folder."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "trivy").mkdir(parents=True)
    (work / "trivy/db").symlink_to(pair.trivy_cache / "db")
    script = LOOP.format(
        images=" ".join(str(images[name].archive) for name in NAMES),
        work=work,
        **{name: tool(name) for name in ("trivy", "grype", "dockle")},
    )
    os.environ.update(
        GRYPE_DB_CACHE_DIR=str(pair.grype_cache),
        GRYPE_DB_AUTO_UPDATE="false",
        GRYPE_CHECK_FOR_APP_UPDATE="false",
    )
    return run(["sh", "-c", script])


def module(given: dict[str, Any], folder: Path) -> Cost:
    """Run the module in a process of its own, as Ansible does."""
    path = folder / "arguments.json"
    path.write_text(json.dumps(given))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return run([sys.executable, "-c", MODULE, str(path)])


def row(name: str, costs: list[Cost], scanners: int) -> str:
    cost = median(costs)
    return f"| {name} | {cost.wall:.1f} | {cost.cpu:.1f} | {scanners} |"


def recall(folder: Path) -> list[str]:
    """Return the table of what each scanner finds of what is labelled."""
    reports = json.loads((folder / "reports/scan.json").read_text())["images"]
    true, found = labelled.labels(), {image["name"]: image["findings"] for image in reports}
    lines = [
        "| image | labelled | trivy | grype | merged | beside the labels |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    sums = dict.fromkeys(("labelled", "trivy", "grype", "merged", "more"), 0)
    for name in NAMES:
        labels = true.get(name, frozenset())
        merged = labelled.pairs(found[name])
        counts = {
            "labelled": len(labels),
            **{scanner: len(labels & labelled.pairs(found[name], scanner)) for scanner in ("trivy", "grype")},
            "merged": len(labels & merged),
            "more": len(merged - labels),
        }
        sums = {key: sums[key] + value for key, value in counts.items()}
        lines.append(f"| {name} | " + " | ".join(str(value) for value in counts.values()) + " |")
    lines.append("| all | " + " | ".join(str(value) for value in sums.values()) + " |")
    return lines


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    images, databases = labelled.ground()
    pair = databases["current"]
    entries = [{"archive": str(images[name].archive), "name": name} for name in NAMES]
    loops, firsts, agains, news = list[Cost](), list[Cost](), list[Cost](), list[Cost]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _turn in range(runs):
            loops.append(loop(images, pair, folder / "loop"))
            shutil.rmtree(folder / "cache", ignore_errors=True)
            more = {"report_dir": str(folder / "reports"), "report_only": True}
            given = labelled.arguments(folder, entries, pair, **more)
            firsts.append(module(given, folder))
            agains.append(module(given, folder))
            # What a new day brings: another policy, the same images.
            news.append(module({**given, "policy": {"block_high": False}}, folder))
        print("| what | wall s | CPU s | scanner processes |\n|---|---:|---:|---:|")
        print(row("shell loop of trivy, grype and dockle", loops, 3 * len(NAMES)))
        print(row("image_scan, nothing known", firsts, 3 * len(NAMES)))
        print(row("image_scan, unchanged", agains, 0))
        print(row("image_scan, another policy", news, 0))
        print()
        print("\n".join(recall(folder)))


if __name__ == "__main__":
    main()
