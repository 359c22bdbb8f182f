"""`harness explain GATE`."""

from __future__ import annotations

import argparse
import textwrap

from harness.cli.exits import Exit
from harness.config.decode import nearest
from harness.gates.registry import gates
from harness.model.errors import ConfigError
from harness.runner.request import open_project


def run(args: argparse.Namespace) -> Exit:
    """Prints what a gate asks, what it needs at least, what feeds it and what to do when it fails."""
    _, project = open_project()
    if args.gate not in gates():
        raise ConfigError(f'there is no gate "{args.gate}"', hint=nearest(args.gate, gates()))
    gate = gates()[args.gate]
    plans = [plan.name for plan in project.plans if gate.name in plan.gates]
    rows = (
        ("asks", gate.question),
        ("needs", gate.minimum + "; less is UNKNOWN, never PASS"),
        ("evidence", ", ".join(gate.kinds)),
        ("fed by", ", ".join(project.gates.get(gate.name, ())) or "no stage"),
        ("required in", ", ".join(plans) or "no plan"),
        ("when it fails", gate.advice),
    )
    print(gate.name)
    for name, text in rows:
        print(textwrap.fill(text, 110, initial_indent=f"  {name:<14}", subsequent_indent=" " * 16))
    return Exit.OK
