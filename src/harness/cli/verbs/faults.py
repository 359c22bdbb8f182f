"""`harness faults list|run`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.exits import Exit
from harness.cli.progress import Progress
from harness.config.project import Project
from harness.events import Note, StageProgress
from harness.evidence.codec import to_json
from harness.evidence.files import write_atomic
from harness.faults.catalogue import Choice, choose, load_faults
from harness.faults.results import FAULTS_FOLDER, RESULTS_FILE, End, FaultResult, FaultResults, load_results
from harness.faults.run import CLEAN, clean_faults
from harness.faults.session import FaultsSession
from harness.model.errors import ConfigError
from harness.model.fault import Fault
from harness.runner.request import open_project
from harness.runner.stopping import stop_on_signals
from harness.runner.verify import commit_of

_KEEP = "reports/faults"


def run(args: argparse.Namespace) -> Exit:
    """Lists the planted faults, or runs them and prints the matrix."""
    root, project = open_project()
    if args.jobs < 1:
        raise ConfigError(f"--jobs {args.jobs}: wanted at least 1")
    seed = project.defaults.seed if args.seed is None else args.seed
    faults, clean = load_faults(root, project), clean_faults(project)
    choice = Choice(tuple(args.ids), args.operator or "", args.stage or "", args.sample, seed)
    chosen = choose((*clean, *faults), choice)
    if not (args.clean or choice.names):
        chosen = tuple(fault for fault in chosen if fault not in clean)
    if args.action == "list":
        return _list(chosen)
    return _run(args, root, project, chosen, {fault.name for fault in (*clean, *faults)})


def _list(faults: Sequence[Fault]) -> Exit:
    width = max((len(fault.name) for fault in faults), default=0)
    for fault in faults:
        must = ", ".join(f"{gate} {verdict}" for gate, verdict in fault.must.items())
        note = f"equivalent: {fault.equivalent}" if fault.equivalent else fault.title
        print(f"{fault.name:<{width}}  {fault.kind:<8}  {must:<24}  {note}")
    return Exit.OK


def _run(args: argparse.Namespace, root: Path, project: Project, faults: Sequence[Fault], known: set[str]) -> Exit:
    path = root / FAULTS_FOLDER / RESULTS_FILE
    before = load_results(path).only(known)
    database = args.database or project.defaults.database
    session = FaultsSession(root, project, root / _KEEP, database, args.jobs, before, again=args.again)
    progress = Progress()
    results: list[FaultResult] = []
    with stop_on_signals() as stop:
        for result in session.run(faults, stop, lambda text: progress(StageProgress("faults", text))):
            results.append(result)
            progress(Note(f"{_word(result):<10} {result.duration_s:5.1f} s  {result.fault}  {result.reason}"))
            _keep(path, root, before, results)
    _print_matrix(results)
    if stop.signal:
        return Exit.INTERRUPTED
    written = {fault.name for fault in faults if not fault.operator}
    return Exit.OK if all(_as_it_must_be(result, written) for result in results) else Exit.FAIL


def _as_it_must_be(result: FaultResult, written: set[str]) -> bool:
    """A generated one may turn out to break the platform as a whole; one that somebody wrote may not."""
    return result.caught or (not result.counts and result.fault not in written)


def _word(result: FaultResult) -> str:
    return "quiet" if result.fault.startswith(CLEAN) and result.caught else str(result.end)


def _print_matrix(results: Sequence[FaultResult]) -> None:
    gates = list(dict.fromkeys(gate for result in results for gate in result.verdicts))
    width = max((len(result.fault) for result in results), default=5)
    print(f"{'fault':<{width}}  {'result':<10}  " + "  ".join(f"{gate:<13}" for gate in gates))
    for result in results:
        cells = "  ".join(f"{result.verdicts.get(gate, '·'):<13}" for gate in gates)
        print(f"{result.fault:<{width}}  {_word(result):<10}  {cells}".rstrip())
    able = [result for result in results if result.counts]
    caught = sum(result.caught for result in able)
    print(f"{caught} of {len(able)} as they must be" + (f" ({100 * caught / len(able):.1f} %)" if able else ""))
    for end in End:
        count = sum(result.end is end for result in results)
        if count and end is not End.CAUGHT:
            print(f"  {count} {end}")


def _keep(path: Path, root: Path, before: FaultResults, results: Sequence[FaultResult]) -> None:
    """Brings `faults/results.json` up to date: the ledger reads from it which checks are proved to bite."""
    measured = tuple(result for result in results if result.end is not End.EQUIVALENT)
    newer = FaultResults(datetime.now(UTC).isoformat(timespec="seconds"), commit_of(root), measured)
    write_atomic(path, to_json(before.with_newer(newer)))
