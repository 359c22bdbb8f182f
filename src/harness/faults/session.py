"""One call of `harness faults run`: faults on a few workbenches at a time, results kept as they come."""

from __future__ import annotations

import dataclasses
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from harness.config.project import Project
from harness.databases import open_server
from harness.engines.process import Stop
from harness.faults.digest import code_digest, fault_digest
from harness.faults.generate import load_generator
from harness.faults.ground import Ground
from harness.faults.plant import PlantError, Workbench
from harness.faults.results import FAULTS_FOLDER, End, FaultResult, FaultResults
from harness.faults.run import FaultRun
from harness.model.fault import Fault


@dataclass(frozen=True)
class FaultsSession:
    """What is run, on what, and how many at a time. `kept` gets a folder per fault with its log and run folder."""

    root: Path
    project: Project
    kept: Path
    database: str
    jobs: int
    before: FaultResults  # results that need not be had again where nothing has changed
    again: bool  # have them again all the same

    def run(self, faults: Sequence[Fault], stop: Stop, say: Callable[[str], None]) -> Iterator[FaultResult]:
        """The result of each fault as it comes: those that are known already first.

        Raises:
            PreflightError: no database can be had, or the platform as it is cannot be seeded.
        """
        code = code_digest(self.root)
        digests = {fault.name: fault_digest(fault, code) for fault in faults}
        left = []
        for fault in faults:
            known = self._known(fault, digests[fault.name])
            if known is not None:
                yield known
            else:
                left.append(fault)
        for result in self._run(left, stop, say) if left else ():
            yield dataclasses.replace(result, digest=digests[result.fault])

    def _known(self, fault: Fault, digest: str) -> FaultResult | None:
        if fault.equivalent:
            return FaultResult(fault.name, End.EQUIVALENT, reason=fault.equivalent, digest=digest)
        result = self.before.of(fault.name)
        return result if result is not None and result.digest == digest and not self.again else None

    def _run(self, faults: Sequence[Fault], stop: Stop, say: Callable[[str], None]) -> Iterator[FaultResult]:
        with tempfile.TemporaryDirectory(prefix="faults-") as text, open_server(self.database, Path(text) / "database") as server:
            folder = Path(text)
            ground = Ground(self.root, self.project, load_generator(self.root / FAULTS_FOLDER), server, folder)
            benches: queue.SimpleQueue[Workbench] = queue.SimpleQueue()
            for number in range(self.jobs):
                benches.put(Workbench.make(self.root, folder / f"copy-{number}"))
            work = _Work(self, ground, benches, stop, _Progress(len(faults), say))
            with ThreadPoolExecutor(self.jobs, thread_name_prefix="fault") as pool:
                waiting = [pool.submit(work.one, fault) for fault in faults]
                try:
                    for done in as_completed(waiting):
                        if (result := done.result()) is not None:
                            yield result
                finally:
                    for future in waiting:
                        future.cancel()

    def keep_for(self, fault: Fault) -> Path:
        """The fault's own folder, empty."""
        folder = self.kept / re.sub(r"[^A-Za-z0-9_.@-]", "-", fault.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


@dataclass
class _Progress:
    """Says which faults are being run; called by several threads."""

    total: int
    say: Callable[[str], None]
    begun: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> Callable[[str], None]:
        with self.lock:
            self.begun += 1
            number = self.begun

        def told(text: str) -> None:
            with self.lock:
                self.say(f"{number}/{self.total} {text}")

        return told


@dataclass(frozen=True)
class _Work:
    session: FaultsSession
    ground: Ground
    benches: queue.SimpleQueue[Workbench]
    stop: Stop
    progress: _Progress

    def one(self, fault: Fault) -> FaultResult | None:
        """One fault on the next free workbench; None once the call was stopped, when nothing can be said of it."""
        if self.stop.signal:
            return None
        bench = self.benches.get()
        try:
            run = FaultRun(fault, bench, self.ground, self.session.keep_for(fault), self.session.database)
            result = run.run(self.stop, self.progress.begin())
        except PlantError as error:
            result = FaultResult(fault.name, End.NO_START, reason=str(error))
        finally:
            self.benches.put(bench)
        return None if self.stop.signal else result
