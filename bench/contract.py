"""Contract cases per CPU-second: the stage's own worker beside `schemathesis run`, same document, same target, same options.

Counted on both sides: the requests that the engine records, the probes of its checks included (`test_cases.generated` of the JSON
report, the worker's tallies), divided by the CPU time of the generating processes alone, their start included. What the worker
does besides (real ids, fresh versions, a second opinion, complaints that can be replayed) is in its price.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from harness.engines.contract.budget import Budget
from harness.engines.contract.campaign import ENUMERATED, FUZZING, STATEFUL, Campaign
from harness.engines.contract.feeding import kinds_of
from harness.engines.process import Stop
from harness.model.errors import HarnessError
from harness.probes.openapi.document import Document
from harness.probes.scene.permissions import Permissions
from harness.runner.preflight import standing
from harness.runner.request import Chosen, request_of
from harness.targets.arena import Arena

Figure = tuple[str, float, str, str]

_ROOT = Path(__file__).resolve().parents[1]
_ROLE = "partner"
_SEED = 20261124
_BUDGET = Budget(cases_per_operation=30, seconds=600, workers=1)
_RUN_SECONDS_MAX = 600


def figures() -> list[Figure]:
    """Cases per CPU-second of both, and the ratio (at least 0.8 is wanted)."""
    chosen = Chosen(target="reference", seed=_SEED, size="small", database="embedded")
    request = request_of(chosen, ("bench",), _ROOT)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, standing(request, Path(name), lambda _: None, Stop()) as ground:
        arena = Arena(ground.arena)
        document = Document.load(arena.target.document or _ROOT)
        theirs = _theirs(arena, document, Path(name))
        ours = _ours(arena, document)
    return [
        ("schemathesis run", theirs[0] / theirs[1], "cases/s", f"{theirs[0]} cases in {theirs[1]:.1f} CPU-s of one process"),
        ("the stage's workers", ours[0] / ours[1], "cases/s", f"{ours[0]} cases in {ours[1]:.1f} CPU-s, one process a phase"),
        ("ratio", (ours[0] / ours[1]) / (theirs[0] / theirs[1]), "", "at least 0.8 is wanted"),
    ]


def _operations(arena: Arena, document: Document) -> list[str]:
    """What the role may call and nothing breaks: both sides get the same."""
    role = arena.target.role(_ROLE)
    permissions, kinds = Permissions(document, arena.target), kinds_of(document, arena.target)
    allowed = [operation.name for operation in document.operations if permissions.of(operation, role).permitted is not False]
    return [name for name in allowed if name not in kinds.destructive]


def _ours(arena: Arena, document: Document) -> tuple[int, float]:
    target = replace(arena.target, roles=(arena.target.role(_ROLE),))
    result = Campaign(
        document,
        target,
        arena.fresh,
        seed=_SEED,
        budget=_BUDGET,
        operations=_operations(arena, document),
        phases=(ENUMERATED, FUZZING, STATEFUL),
    ).run()
    if result.incomplete or result.findings:
        raise HarnessError(f"not a run to measure: {result.incomplete or [finding.title for finding in result.findings]}")
    return sum(cases.cases for cases in result.cases), result.worker_cpu_seconds


def _theirs(arena: Arena, document: Document, folder: Path) -> tuple[int, float]:
    role = arena.target.role(_ROLE)
    settings, report = folder / "schemathesis.toml", folder / "report.json"
    with arena.fresh("bench") as live:
        (name, value), *_ = live.sign_in(role, role.users[0]).headers.items()
        settings.write_text(_SETTINGS.format(base_url=live.base_url, header=name, report=report), encoding="utf-8")
        schemathesis = Path(sys.executable).parent / "schemathesis"
        chosen = [word for operation in _operations(arena, document) for word in ("--include-name", operation)]
        command = [str(schemathesis), "--config-file", str(settings), "run", str(arena.target.document), *chosen]
        before = _children_cpu_s()
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "BENCH_CREDENTIAL": value},  # never on a command line
            capture_output=True,
            check=False,  # complaints about valid requests without a version are no failure of the measurement
            timeout=_RUN_SECONDS_MAX,
        )
        took = _children_cpu_s() - before
    return int(json.loads(report.read_text(encoding="utf-8"))["test_cases"]["generated"]), took


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_SETTINGS = f"""
seed = {_SEED}
base-url = "{{base_url}}"
headers = {{{{ {{header}} = "${{{{BENCH_CREDENTIAL}}}}" }}}}
workers = 1
continue-on-failure = true
max-redirects = 0
cache = {{{{ enabled = false }}}}
auth = {{{{ auto-signup = false }}}}
suppress-health-check = ["all"]
[generation]
max-examples = {_BUDGET.cases_per_operation}
no-shrink = true
database = "none"
[checks.object_level_authorization]
enabled = false
[phases.examples]
fill-missing = true
[phases.fuzzing.error-feedback]
enabled = false
[phases.stateful.generation]
max-examples = {_BUDGET.scenarios_max}
[reports.json]
path = "{{report}}"
"""
