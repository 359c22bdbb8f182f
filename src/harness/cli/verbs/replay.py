"""`harness replay FINDING`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from harness.cli.common import runs_folder
from harness.cli.exits import Exit, exit_of
from harness.cli.progress import Progress
from harness.evidence.redaction import redact
from harness.evidence.stored import find_run
from harness.runner.replay import Replay, find_finding, replay
from harness.runner.request import Chosen, request_of
from harness.runner.stopping import stop_on_signals

_BODY_CHARACTERS_SHOWN = 600


def run(args: argparse.Namespace) -> Exit:
    """Sends the requests again and prints them with their answers."""
    stored = find_run(args.run, runs_folder(args.runs))
    finding = find_finding(stored, args.finding)
    manifest = stored.manifest
    chosen = Chosen(
        stages=(finding.stage,),
        target=args.target or manifest.target,
        seed=manifest.seed,
        size=manifest.database.get("size", ""),
        database=args.database or "",
    )
    request = request_of(chosen, tuple(sys.argv))
    with tempfile.TemporaryDirectory(prefix="replay-") as folder, stop_on_signals() as stop:
        result = replay(finding, request, Path(folder), Progress(), stop)
    _print(result)
    return Exit.INTERRUPTED if stop.signal else exit_of(result.verdict)


def _print(result: Replay) -> None:
    print(f"{result.finding.severity} {result.finding.title} ({result.finding.fingerprint})")
    for step in result.steps:
        who = f"{step.request.role} {step.request.user}".strip() or "nobody"
        who += " from another address" if step.request.client else ""
        who += f", {step.request.times} times" if step.request.times > 1 else ""
        print(f"\n> {step.request.method} {step.request.path}   as {who}")
        for name, value in step.request.headers.items():
            print(f"> {name}: {redact(value)}")
        if step.request.body is not None:
            print(f"> {redact(step.request.body[:_BODY_CHARACTERS_SHOWN])}")
        print(f"< {step.answer.status or step.answer.error}")
        print(f"< {redact(step.answer.text[:_BODY_CHARACTERS_SHOWN])}")
    for line in result.finding.proof:
        print(f"  {redact(line)}")
    print(f"\nexpected: {result.finding.expected}\n{result.verdict}: {result.reason}")
