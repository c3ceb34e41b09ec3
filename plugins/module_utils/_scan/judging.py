# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""Gets the reports on all subjects: from the cache where nothing changed, from scanners where it did."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ansible_collections.rampart.k8s.plugins.module_utils._core.errors import RampartError
from ansible_collections.rampart.k8s.plugins.module_utils._core.progress import Progress
from ansible_collections.rampart.k8s.plugins.module_utils._scan.adapter import Input
from ansible_collections.rampart.k8s.plugins.module_utils._scan.decide import BY_KIND
from ansible_collections.rampart.k8s.plugins.module_utils._scan.locate import Finder, Seen, read_text
from ansible_collections.rampart.k8s.plugins.module_utils._scan.model import Fact, Kind, Report
from ansible_collections.rampart.k8s.plugins.module_utils._scan.schedule import Batch, Task, run_all
from ansible_collections.rampart.k8s.plugins.module_utils._scan.storage import Cache
from ansible_collections.rampart.k8s.plugins.module_utils._scan.subjects import Subject
from ansible_collections.rampart.k8s.plugins.module_utils._scan.tooling import ALONE, Tooling
from ansible_collections.rampart.k8s.plugins.module_utils._scan.trouble import Failure, ScannerError, Trouble


@dataclass(slots=True)
class Examined:
    """All that is known of one subject before it is judged."""

    subject: Subject
    fact: Fact | None = None
    reports: list[Report] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    # The scanners whose reports were made before.
    cached: list[str] = field(default_factory=list)
    # Why nothing could be judged at all.
    error: RampartError | None = None
    seen: Seen = field(default_factory=Seen)
    files: list[Path] = field(default_factory=list)

    @property
    def ran(self) -> frozenset[str]:
        return frozenset(report.scanner for report in self.reports)


class Judging:
    """One run over a list of subjects."""

    def __init__(
        self, tooling: Tooling, finder: Finder, cache: Cache, progress: Progress, work: Path
    ) -> None:
        self._tooling = tooling
        self._finder = finder
        self._cache = cache
        self._progress = progress
        self._work = work

    def examine(self, subjects: Sequence[Subject]) -> list[Examined]:
        """Return what is known of each subject, in their order."""
        asked = {name for subject in subjects for name in self._asked(subject)}
        self._tooling.find(frozenset(asked))
        found = [Examined(subject) for subject in subjects]
        batches = [Batch(partial(self._prepare, one), partial(self._finish, one)) for one in found]
        run_all(batches, slots=self._tooling.wanted.slots, exclusive=ALONE)
        return found

    def _asked(self, subject: Subject) -> list[str]:
        names = [*BY_KIND[subject.kind], *(["hadolint"] if subject.dockerfile else [])]
        return [name for name in dict.fromkeys(names) if name in self._tooling.wanted.scanners]

    def _prepare(self, one: Examined) -> Sequence[Task]:
        """Find the subject; return what scanners still have to do."""
        try:
            one.seen = self._finder.seen(one.subject)
            return self._tasks(one)
        except RampartError as error:
            one.error = error
            return []

    def _tasks(self, one: Examined) -> list[Task]:
        subject = one.subject
        tasks: list[Task] = []
        for name in self._asked(subject):
            if name in self._tooling.failures:
                one.failures.append(self._tooling.failures[name])
        names = [name for name in self._asked(subject) if self._tooling.has(name)]
        if subject.kind is not Kind.DOCKERFILE:
            tasks += self._of_main(one, [name for name in names if name != "hadolint"])
        if subject.dockerfile is not None:
            item = self._text(one, Kind.DOCKERFILE, subject.dockerfile)
            if one.fact is None:
                one.fact = Fact(Kind.DOCKERFILE, item.digest, dockerfile=item.name)
            tasks += self._missing(one, item, [name for name in names if name == "hadolint"])
        return tasks

    def _of_main(self, one: Examined, names: list[str]) -> list[Task]:
        subject = one.subject
        dockerfile = str(subject.dockerfile or "")
        if subject.kind is Kind.SBOM:
            item = self._text(one, Kind.SBOM, Path(subject.place))
            one.fact = Fact(Kind.SBOM, item.digest, dockerfile=dockerfile)
            return self._missing(one, item, names)
        # The same image may stand in the list twice.
        archive = self._work / f"image-{id(one):x}.tar"
        known = self._known(one.seen.pin)
        if known is not None:
            one.fact = Fact(Kind.IMAGE, known.digest, known.size, known.user, dockerfile)
            item = Input(Kind.IMAGE, archive, known.digest, subject.shown)
            if not self._missing(one, item, names):
                return []
            one.reports.clear()
            one.cached.clear()
        self._progress.say(f"{subject.line}: bringing and verifying the image")
        one.files.append(archive)
        fact = self._finder.export(subject, self._work, archive)
        self._cache.remember(f"image:{one.seen.pin}", [fact.digest, fact.size, fact.user])
        one.fact = Fact(Kind.IMAGE, fact.digest, fact.size, fact.user, dockerfile)
        return self._missing(one, Input(Kind.IMAGE, archive, fact.digest, subject.shown), names)

    def _known(self, pin: str) -> Fact | None:
        match self._cache.recall(f"image:{pin}"):
            case [str() as digest, int() as size, str() as user]:
                return Fact(Kind.IMAGE, digest, size, user)
            case _:
                return None

    def _text(self, one: Examined, kind: Kind, path: Path) -> Input:
        """Copy a text to where only we can change it; scanners read what was hashed."""
        content = read_text(path)
        mark = hashlib.sha256(content).hexdigest()
        copy = self._work / f"{kind}-{mark[:16]}-{len(one.files)}-{id(one):x}{path.suffix}"
        copy.write_bytes(content)
        one.files.append(copy)
        return Input(kind, copy, f"sha256:{mark}", str(path))

    def _missing(self, one: Examined, item: Input, names: list[str]) -> list[Task]:
        """Take the reports that were kept; return a task for each that was not."""
        tasks = []
        for name in names:
            kept = self._cache.report(item.digest, name, self._tooling.key(name, item.name))
            if kept is not None:
                one.reports.append(kept)
                one.cached.append(name)
            else:
                tasks.append(self._task(one, item, name))
        return tasks

    def _task(self, one: Examined, item: Input, name: str) -> Task:
        def work() -> None:
            started = time.monotonic()
            try:
                report = self._tooling.run(name, item)
            except ScannerError as error:
                one.failures.append(Failure(name, error.trouble, error.said))
                self._progress.say(f"{one.subject.line}: {name} did not judge ({error.trouble})")
                return
            except RampartError as error:
                one.failures.append(Failure(name, Trouble.REFUSED, error.message))
                return
            one.reports.append(report)
            self._cache.keep(item.digest, self._tooling.key(name, item.name), report)
            count = len(report.claims) + len(report.checks)
            self._progress.say(
                f"{one.subject.line}: {name} {count} findings in {time.monotonic() - started:.1f} s"
            )

        return Task(name, work)

    def _finish(self, one: Examined) -> None:
        """Clear away, and see that the name still means what was judged."""
        ran = set(one.ran) - set(one.cached)
        for path in one.files:
            path.unlink(missing_ok=True)
        one.reports.sort(key=lambda report: report.scanner)
        if one.error is not None or not ran:
            return
        try:
            if self._finder.seen(one.subject).pin == one.seen.pin:
                return
            said = f"{one.subject.shown} means another image since it was judged"
        except RampartError as error:
            said = error.message
        one.failures.append(Failure(one.subject.line, Trouble.FOREIGN, said))
