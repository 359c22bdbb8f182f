"""The four numbers of coverage, all stages together and the unit tests alone, and the files that need tests most."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.evidence import CoverageNumbers, CoveragePayload, FileCoverage
from harness.model.plan import CoverageLimits
from harness.report.model import ReportInput
from harness.report.text import line, number, percent, ranges

FILES_MAX = 15
MODULES_MAX = 50
_NAMES = ("branches", "functions", "lines", "statements")


@dataclass(frozen=True)
class CoverageBar:
    """One number: percent of all stages together and of the unit tests alone, `None` where not measured."""

    name: str
    total: float | None
    unit: float | None
    limit: float
    tone: str
    text: str
    of: str
    unit_text: str


@dataclass(frozen=True)
class FileRow:
    """One file that is far from covered."""

    file: str
    text: str
    covered: float
    missing: str
    lines: str


@dataclass(frozen=True)
class CoverageView:
    """The section."""

    stages: str
    server: bool
    bars: tuple[CoverageBar, ...]
    files: tuple[FileRow, ...]
    files_total: int
    modules_missing: tuple[str, ...]
    modules_more: int


def coverage_views(data: ReportInput) -> tuple[CoverageView, ...]:
    """One section for each measurement of the run (there is at most one)."""
    return tuple(_view(payload, data.limits.coverage) for _, payload in data.payloads(CoveragePayload))


def _view(payload: CoveragePayload, limits: CoverageLimits) -> CoverageView:
    worst = sorted(payload.files, key=lambda entry: (-_missing(entry), entry.file))
    return CoverageView(
        stages=line(", ".join(payload.stages), 200),
        server=payload.server_measured,
        bars=tuple(_bar(name, payload, getattr(limits, f"{name}_percent_min")) for name in _NAMES),
        files=tuple(_file(entry) for entry in worst[:FILES_MAX] if _missing(entry)),
        files_total=len(payload.files),
        modules_missing=tuple(line(name, 160) for name in payload.modules_missing[:MODULES_MAX]),
        modules_more=max(len(payload.modules_missing) - MODULES_MAX, 0),
    )


def _bar(name: str, payload: CoveragePayload, limit: float) -> CoverageBar:
    pair, unit_pair = _pair(payload.total, name), _pair(payload.unit, name)
    total, unit = _share(pair), _share(unit_pair)
    tone = "unknown" if total is None else ("pass" if total >= limit else "fail")
    return CoverageBar(
        name=name,
        total=total,
        unit=unit,
        limit=limit,
        tone=tone,
        text=percent(*pair) if pair and pair[1] else "not measured",
        of=f"{number(pair[0])} of {number(pair[1])}" if pair else "",
        unit_text=percent(*unit_pair) if unit_pair and unit_pair[1] else "not measured",
    )


def _file(entry: FileCoverage) -> FileRow:
    pair = entry.numbers.lines or entry.numbers.statements
    return FileRow(
        file=line(entry.file, 120),
        text=percent(*pair) if pair else "not measured",
        covered=_share(pair) or 0.0,
        missing=number(_missing(entry)),
        lines=ranges(entry.missing_lines, 12),
    )


def _pair(numbers: CoverageNumbers | None, name: str) -> tuple[int, int] | None:
    return None if numbers is None else getattr(numbers, name)


def _share(pair: tuple[int, int] | None) -> float | None:
    return round(100.0 * pair[0] / pair[1], 2) if pair and pair[1] else None


def _missing(entry: FileCoverage) -> int:
    pair = entry.numbers.lines or entry.numbers.statements
    return pair[1] - pair[0] if pair else 0
