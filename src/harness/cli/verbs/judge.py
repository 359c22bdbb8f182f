"""`harness judge RUN`."""

from __future__ import annotations

import argparse

from harness.cli.common import runs_folder
from harness.cli.exits import Exit, exit_of
from harness.cli.progress import Progress
from harness.cli.verbs.verify import print_verdict
from harness.evidence.stored import find_run
from harness.runner.finish import judge_and_report


def run(args: argparse.Namespace) -> Exit:
    """Judges and reports a stored run again."""
    stored = find_run(args.run, runs_folder(args.runs))
    verdict = judge_and_report(stored, Progress(), today=args.today or "")
    print_verdict(verdict, stored.folder)
    return exit_of(verdict.verdict)
