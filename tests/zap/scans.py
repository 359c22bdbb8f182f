"""One stage of ZAP, or a whole run, on the small shop; and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.process import Stop
from harness.engines.zap_engine import ZapEngine
from harness.evidence.folder import RunFolder
from harness.evidence.stored import StoredRun
from harness.model.evidence import FindingsPayload
from harness.runner.request import Chosen, request_of
from harness.targets.arena import ArenaPlan
from tests.runner.tiny import Outcome, TinyProject


def stage(project: TinyProject, *, stop: Stop | None = None, say: object = None, timeout_s: float = 100.0) -> StageOutcome:
    """The stage alone, in this process."""
    request = request_of(Chosen(), ("test",), project.folder)
    folder = project.folder / "run" / "stages" / "1-zap"
    (folder / "raw").mkdir(parents=True)
    job = StageJob(
        stage=request.project.stage("zap"),
        target=request.target,
        root=request.root,
        folder=folder,
        run=RunFolder(project.folder / "run"),
        seed=7,
        size="small",
        timeout_s=timeout_s,
        stop=stop or Stop(),
        progress=say if callable(say) else lambda _text: None,
        limits=request.project.limits.load,
        arena=ArenaPlan(request.target_file, folder / "raw"),
        environment={},
    )
    return ZapEngine().run(job)


def payload(project: TinyProject, outcome: StageOutcome) -> FindingsPayload:
    found = StoredRun(project.folder / "run").payload(outcome.evidence[0])
    assert isinstance(found, FindingsPayload)
    return found


def last_run(project: TinyProject) -> StoredRun:
    return project.runs()[-1]


def verify(project: TinyProject, *arguments: str) -> Outcome:
    return project.run("verify", *arguments)


def zap_processes(folder: Path) -> list[int]:
    """Daemons that log into the folder."""
    found = []
    for process in psutil.process_iter(("cmdline",)):
        arguments = process.info["cmdline"] or []
        if "org.zaproxy.zap.ZAP" in arguments and any(name.startswith(str(folder)) for name in _files(process)):
            found.append(process.pid)
    return found


def _files(process: psutil.Process) -> Iterator[str]:
    for number in (1, 2):
        yield str(Path(f"/proc/{process.pid}/fd/{number}").readlink())
