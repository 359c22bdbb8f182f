"""`harness verify [STAGE…]`: the main job."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.cli.common import chosen_of
from harness.cli.exits import Exit, exit_of
from harness.cli.progress import Progress
from harness.events import EventStream
from harness.model.errors import HarnessError
from harness.model.run import VerdictRecord
from harness.runner.request import RunRequest, request_of
from harness.runner.stopping import stop_on_signals
from harness.runner.verify import verify


def run(args: argparse.Namespace) -> Exit:
    """Runs the plan and prints the verdict."""
    return run_and_print(request_of(chosen_of(args), tuple(sys.argv)))


def run_and_print(request: RunRequest) -> Exit:
    """Makes the run and prints its verdict; an interruption before the first stage leaves nothing to judge."""
    with stop_on_signals() as stop:
        try:
            stored, verdict = verify(request, EventStream([Progress()]), stop)
        except HarnessError:
            if stop.signal:
                return Exit.INTERRUPTED
            raise
    print_verdict(verdict, stored.folder)
    return Exit.INTERRUPTED if stop.signal else exit_of(verdict.verdict)


def print_verdict(verdict: VerdictRecord, folder: Path) -> None:
    """The verdict, what could not be verified, and the report's path: the only lines on standard output."""
    scope = " (of the chosen stages only)" if verdict.narrowed else ""
    print(f"{verdict.verdict}{scope}: {verdict.reason}")
    for line in verdict.not_verifiable:
        print(f"not verifiable: {line}")
    print(f"report: {folder / 'report' / 'index.html'}")
