"""`harness ledger`: the rows with their state in a run."""

from __future__ import annotations

import argparse
from collections import Counter

from harness.cli.common import runs_folder
from harness.cli.exits import Exit
from harness.config.decode import nearest
from harness.evidence.folder import LEDGER_FILE
from harness.evidence.stored import find_run
from harness.ledger import rows
from harness.model.errors import ConfigError
from harness.model.ledger import RowState


def run(args: argparse.Namespace) -> Exit:
    """Prints one line a row and the counts; with `--require`, 3 while a row is neither proved nor outside the target."""
    if args.state and args.state not in list(RowState):
        raise ConfigError(f'there is no state "{args.state}"', hint=nearest(args.state, [str(state) for state in RowState]))
    stored = find_run(args.run, runs_folder(args.runs))
    claims = {requirement.id: requirement.claim for requirement in rows.load(stored.folder / LEDGER_FILE)}
    results = stored.ledger.rows
    for row in results:
        if not args.state or row.state == args.state:
            print(f"{row.row:<8} {row.state:<21} {claims[row.row]}\n{'':<30} {row.reason}")
    counts = Counter(row.state for row in results)
    print(f"{len(results)} rows: " + ", ".join(f"{counts[state]} {state}" for state in RowState if counts[state]))
    settled = counts[RowState.PROVED] + counts[RowState.NOT_VERIFIABLE]
    return Exit.UNKNOWN if args.require and settled < len(results) else Exit.OK
