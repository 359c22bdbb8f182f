"""Combines what coverage.py measured in the suites and in the servers, and counts the four numbers.

`lines` are coverage.py's executable lines. `statements` are the statements of the syntax tree: two on one line count
twice, and a statement counts as covered when its first line ran. `functions` are those with a body, covered when a line
of the body itself ran. `branches` are coverage.py's arcs.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import Coverage
from coverage.exceptions import CoverageException, NoDataError

from harness.model.evidence import CoverageNumbers, CoveragePayload, FileCoverage

DATA_FOLDER = "raw/coverage"
_SERVER_PREFIX = ".coverage.server"  # data files of target processes; the suites' own are `.coverage.suite…`
_EXCLUDED = (r"if TYPE_CHECKING:", r"if __name__ == .__main__.:", r"@overload", r"^\s*\.\.\.$")


def write_config(folder: Path, source: Sequence[Path], who: str) -> Path:
    """Writes the coverage configuration for one process kind of a stage (`who`: `server` or `suite`) and returns its path."""
    data = folder / DATA_FOLDER
    data.mkdir(parents=True, exist_ok=True)
    lines = [
        "[run]",
        "branch = true",
        "parallel = true",
        "sigterm = true",
        f"data_file = {data / f'.coverage.{who}'}",
        "source =",
        *(f"    {path}" for path in source),
        "[report]",
        "exclude_lines =",
        *(f"    {pattern}" for pattern in _EXCLUDED),
    ]
    path = folder / "raw" / f"coverage.{who}.ini"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True)
class StageData:
    """The data files of one stage."""

    stage: str
    files: tuple[Path, ...]

    @property
    def server_files(self) -> tuple[Path, ...]:
        """Those written by processes of the target."""
        return tuple(path for path in self.files if path.name.startswith(_SERVER_PREFIX))


def stage_data(stage: str, folder: Path) -> StageData:
    """What a stage left in its folder."""
    return StageData(stage, tuple(sorted((folder / DATA_FOLDER).glob(".coverage.*"))))


def collect(data: Sequence[StageData], source: Sequence[Path], root: Path, work: Path) -> CoveragePayload | None:
    """The coverage of all stages together; `None` where nothing was measured at all.

    Args:
        source: the folders of the target's source.
        root: what file names are relative to.
        work: a folder for the combined data and coverage.py's own JSON report.
    """
    report = _report(data, source, work / "all")
    if report is None:
        return None
    files = tuple(_file(root, name, entry) for name, entry in sorted(report.items()))
    unit = [stage for stage in data if stage.stage == "unit"]
    alone = _report(unit, source, work / "unit") if unit else None
    measured = {Path(name).resolve() for name in report}
    return CoveragePayload(
        total=_sum([entry.numbers for entry in files]),
        unit=_sum([_file(root, name, entry).numbers for name, entry in alone.items()]) if alone else None,
        files=files,
        modules_missing=tuple(str(path.relative_to(root)) for path in _modules(source) if path not in measured),
        server_measured=any(stage.server_files for stage in data),
        stages=tuple(stage.stage for stage in data if stage.files),
    )


def _modules(source: Sequence[Path]) -> Iterator[Path]:
    for folder in source:
        yield from (path.resolve() for path in sorted(folder.rglob("*.py")) if path.stat().st_size)


def _report(data: Sequence[StageData], source: Sequence[Path], work: Path) -> dict[str, Any] | None:
    files = [str(path) for stage in data for path in stage.files]
    if not files:
        return None
    work.mkdir(parents=True, exist_ok=True)
    coverage = Coverage(
        data_file=str(work / ".coverage"), branch=True, source=[str(path) for path in source], config_file=False, messages=False
    )
    coverage.set_option("report:exclude_lines", list(_EXCLUDED))
    try:
        coverage.combine(files, keep=True)
        coverage.json_report(outfile=str(work / "coverage.json"))
    except (NoDataError, CoverageException):
        return None
    parsed: dict[str, Any] = json.loads((work / "coverage.json").read_text(encoding="utf-8"))
    return parsed["files"]  # type: ignore[no-any-return]


def _file(root: Path, name: str, entry: dict[str, Any]) -> FileCoverage:
    path = Path(name) if Path(name).is_absolute() else Path.cwd() / name
    executed, missing = set(entry["executed_lines"]), set(entry["missing_lines"])
    statements, functions = _syntax(path, executed, executed | missing)
    summary = entry["summary"]
    numbers = CoverageNumbers(
        lines=(len(executed), len(executed) + len(missing)),
        statements=statements,
        functions=functions,
        branches=(summary["covered_branches"], summary["num_branches"]),
    )
    shown = path.resolve().relative_to(root) if path.resolve().is_relative_to(root) else path
    return FileCoverage(str(shown), numbers, tuple(sorted(missing)))


def _syntax(path: Path, executed: set[int], executable: set[int]) -> tuple[tuple[int, int], tuple[int, int]]:
    tree = ast.parse(path.read_bytes())
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _first_line(node) in executable]
    covered = sum(_first_line(node) in executed for node in statements)
    bodies = [lines for node in ast.walk(tree) if _is_function(node) and (lines := _body_lines(node) & executable)]
    return (covered, len(statements)), (sum(bool(lines & executed) for lines in bodies), len(bodies))


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min(node.lineno, *(int(decorator.lineno) for decorator in decorators)) if decorators else node.lineno


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _body_lines(function: ast.AST) -> set[int]:
    """Lines of a function's own statements, those of nested functions and classes left out."""
    lines: set[int] = set()
    queue: list[ast.AST] = list(getattr(function, "body", []))
    while queue:
        node = queue.pop()
        if isinstance(node, ast.stmt):
            lines.add(_first_line(node))
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            queue.extend(ast.iter_child_nodes(node))
    return lines


def _sum(numbers: Sequence[CoverageNumbers]) -> CoverageNumbers:
    return CoverageNumbers(
        lines=_add([n.lines for n in numbers]),
        statements=_add([n.statements for n in numbers]),
        functions=_add([n.functions for n in numbers]),
        branches=_add([n.branches for n in numbers]),
    )


def _add(pairs: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    known = [pair for pair in pairs if pair is not None]
    return (sum(pair[0] for pair in known), sum(pair[1] for pair in known)) if known else None
