"""Writes every form of a run's report: reads the stored run once, renders, replaces the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from harness.evidence.folder import EVENTS_FILE, LEDGER_FILE, RunFolder
from harness.evidence.stored import StoredRun
from harness.gates.judge import items_of, stored_project
from harness.gates.registry import gates
from harness.ledger import rows
from harness.model.errors import ConfigError
from harness.model.ledger import Requirement
from harness.report import html, junit, markdown, sarif
from harness.report.model import ReportInput, Timing

REPORT_FOLDER = "report"


def write_report(run: StoredRun) -> Path:
    """Writes `report/index.html`, `summary.md`, `junit.xml` and `findings.sarif`; the path of the first."""
    data = report_input(run)
    files: dict[str, bytes | str] = {
        **html.render(data),
        "summary.md": markdown.render(data),
        "junit.xml": junit.render(data),
        "findings.sarif": sarif.render(data),
    }
    folder = RunFolder(run.folder)
    for name, content in files.items():
        folder.write(f"{REPORT_FOLDER}/{name}", content)
    return run.folder / REPORT_FOLDER / html.INDEX


def report_input(run: StoredRun) -> ReportInput:
    """Everything that a report is made of, read from the run folder alone."""
    project = stored_project(run)
    return ReportInput(
        manifest=run.manifest,
        verdict=run.verdict,
        items=items_of(run),
        findings=run.findings,
        observations=run.observations,
        requirements=_requirements(run.folder / LEDGER_FILE),
        ledger=run.ledger,
        limits=project.limits,
        asks=project.plans[0].asks,
        questions={name: gate.question for name, gate in gates().items()},
        history=run.history,
        timings=tuple(_timings(run.folder / EVENTS_FILE)),
    )


def _requirements(path: Path) -> tuple[Requirement, ...]:
    try:
        return rows.load(path)
    except ConfigError:
        return ()


def _timings(path: Path) -> Iterator[Timing]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # a run that was killed in mid-line
            continue
        if event.get("event") == "Prepared":
            yield Timing(event["what"], event["duration_s"])
