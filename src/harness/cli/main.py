"""Entry point: parses, calls the verb, prints its errors, exits."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from harness.cli.exits import Exit
from harness.cli.parser import UsageExit, parse
from harness.cli.verbs_table import VERBS
from harness.model.errors import ConfigError, DatabaseError, EvidenceError, HarnessError, PreflightError, TargetError

_EXIT_OF_ERROR: tuple[tuple[type[HarnessError], Exit], ...] = (
    (ConfigError, Exit.USAGE),
    (PreflightError, Exit.PREFLIGHT),
    (TargetError, Exit.PREFLIGHT),
    (DatabaseError, Exit.PREFLIGHT),
    (EvidenceError, Exit.UNKNOWN),
    (HarnessError, Exit.DEFECT),
)


def main(argv: Sequence[str] | None = None) -> Exit:
    """Runs one command and returns its exit code; errors are printed to standard error."""
    try:
        args = parse(VERBS, argv)
        verb = importlib.import_module(f"harness.cli.verbs.{args.module}")
        return Exit(verb.run(args))
    except UsageExit as end:
        print(end.text, end="", file=sys.stderr if end.code else sys.stdout)
        return end.code
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        return next(code for kind, code in _EXIT_OF_ERROR if isinstance(error, kind))
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as in `harness ledger | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def run() -> None:
    """The console script. A fault of ours ends with its traceback and exit 5."""
    try:
        code = main()
    except Exception:  # noqa: BLE001 - the outermost edge: exit 5 instead of Python's 1, which means FAIL here
        sys.excepthook(*sys.exc_info())
        print("harness: this is a defect of the harness; please report it with the lines above", file=sys.stderr)
        code = Exit.DEFECT
    sys.stdout.flush()
    sys.exit(code)
