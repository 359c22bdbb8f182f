"""`harness faults list|run`."""

from __future__ import annotations

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.exits import Exit
from harness.cli.progress import Progress
from harness.engines.process import Stop
from harness.events import Note, StageProgress
from harness.evidence.codec import to_json
from harness.evidence.files import write_atomic
from harness.faults.catalogue import FAULTS_FOLDER, RESULTS_FILE, choose, load_faults
from harness.faults.results import FaultResult, FaultResults, load_results
from harness.faults.run import clean_fault, run_fault
from harness.model.fault import Fault
from harness.runner.request import open_project
from harness.runner.stopping import stop_on_signals
from harness.runner.verify import commit_of

_KEEP = "reports/faults"


def run(args: argparse.Namespace) -> Exit:
    """Lists the planted faults, or runs them and prints the matrix."""
    root, project = open_project()
    chosen = choose(load_faults(root, project), tuple(args.ids))
    if args.action == "list":
        return _list(chosen)
    plan = project.plan(project.defaults.plan)
    if args.clean:
        chosen = (clean_fault(plan.stages, plan.gates), *chosen)
    with stop_on_signals() as stop:
        results = _run_all(chosen, root, args.database or project.defaults.database, stop)
    _print_matrix(results)
    _keep_results(root, results)
    if stop.signal:
        return Exit.INTERRUPTED
    return Exit.OK if all(result.caught for result in results) else Exit.FAIL


def _list(faults: tuple[Fault, ...]) -> Exit:
    width = max((len(fault.name) for fault in faults), default=0)
    for fault in faults:
        must = ", ".join(f"{gate} {verdict}" for gate, verdict in fault.must.items())
        print(f"{fault.name:<{width}}  {fault.kind:<8}  {must:<24}  {fault.title}")
    return Exit.OK


def _run_all(faults: tuple[Fault, ...], root: Path, database: str, stop: Stop) -> list[FaultResult]:
    progress = Progress()
    results: list[FaultResult] = []
    for number, fault in enumerate(faults, start=1):
        if stop.signal:
            break
        keep = root / _KEEP / fault.name
        shutil.rmtree(keep, ignore_errors=True)
        keep.mkdir(parents=True)
        result = run_fault(
            fault,
            root,
            keep,
            stop,
            database=database,
            say=lambda text, n=number: progress(StageProgress(f"{n}/{len(faults)}", text)),  # type: ignore[misc]
        )
        results.append(result)
        progress(Note(f"{_word(result):<7} {result.duration_s:5.0f} s  {fault.name}  {result.reason}"))
    return results


def _word(result: FaultResult) -> str:
    if result.caught:
        return "caught" if result.fault != "clean" else "quiet"
    return "alarm" if result.false_alarms else "missed"


def _print_matrix(results: list[FaultResult]) -> None:
    gates = list(dict.fromkeys(gate for result in results for gate in result.verdicts))
    width = max((len(result.fault) for result in results), default=5)
    print(f"{'fault':<{width}}  result   " + "  ".join(f"{gate:<13}" for gate in gates))
    for result in results:
        cells = "  ".join(f"{result.verdicts.get(gate, '·'):<13}" for gate in gates)
        print(f"{result.fault:<{width}}  {_word(result):<7}  {cells}")
    print(f"{sum(result.caught for result in results)} of {len(results)} as they must be")


def _keep_results(root: Path, results: list[FaultResult]) -> None:
    """Brings `faults/results.json` up to date: the ledger reads from it which checks are proved to bite."""
    path = root / FAULTS_FOLDER / RESULTS_FILE
    newer = FaultResults(datetime.now(UTC).isoformat(timespec="seconds"), commit_of(root), tuple(results))
    write_atomic(path, to_json(load_results(path).with_newer(newer)))
