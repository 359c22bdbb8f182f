"""The authorization matrix: operation × role × whose object, what must hold against what happened."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from harness.model.evidence import AuthorizationPayload, Cell, Whose
from harness.report.model import ReportInput
from harness.report.text import NOT_LOGGED_IN, line, plural

OPERATIONS_MAX = 1_000

_ByRole = defaultdict[str, defaultdict[Whose, list[Cell]]]
_Table = defaultdict[str, _ByRole]

_WHOSE = {Whose.OWN: "own", Whose.ANOTHER: "another's", Whose.NOBODY: "nobody's", Whose.NONE: "–"}


@dataclass(frozen=True)
class Kind:
    """What a cell says: a word for the legend, a symbol, a tone. `rank` 0 is the worst; it wins where two users share a cell."""

    name: str
    symbol: str
    tone: str
    rank: int
    about: str


HOLE = Kind("hole", "✕", "fail", 0, "allowed, and must not be")
UNTRIED = Kind("untried", "?", "unknown", 1, "not tried, or refused where nobody succeeded")
FRUITLESS = Kind("fruitless", "!", "unknown", 2, "permitted, and did not succeed: the contract gate judges that")
ALLOWED = Kind("allowed", "✓", "pass", 3, "allowed, as it must be")
DENIED = Kind("denied", "⊘", "deny", 4, "refused, as it must be")
KINDS = (HOLE, UNTRIED, FRUITLESS, ALLOWED, DENIED)


@dataclass(frozen=True)
class MatrixCell:
    """One cell, over `span` columns. `kind` is `None` where there is nothing to try."""

    kind: Kind | None
    status: str = ""
    hint: str = ""
    span: int = 1


@dataclass(frozen=True)
class MatrixRow:
    """One operation."""

    operation: str
    cells: tuple[MatrixCell, ...]
    worst: int


@dataclass(frozen=True)
class RoleColumns:
    """One role's columns: whose object it names."""

    role: str
    whose: tuple[str, ...]


@dataclass(frozen=True)
class MatrixView:
    """The section."""

    stage: str
    columns: tuple[RoleColumns, ...]
    rows: tuple[MatrixRow, ...]
    rows_more: int
    counts: tuple[tuple[Kind, int], ...]
    summary: str


def matrix_views(data: ReportInput) -> tuple[MatrixView, ...]:
    """One matrix for each stage that tried one."""
    return tuple(_view(stage, payload) for stage, payload in data.payloads(AuthorizationPayload))


def kind_of(cell: Cell) -> Kind:
    """What one cell says. A refusal counts only with a permitted twin that succeeded: a broken operation refuses everybody."""
    if not cell.tried or cell.allowed is None:
        return UNTRIED
    if cell.permitted:
        return ALLOWED if cell.allowed else FRUITLESS
    if cell.allowed:
        return HOLE
    return DENIED if cell.twin else UNTRIED


def _view(stage: str, payload: AuthorizationPayload) -> MatrixView:
    table: _Table = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for cell in payload.cells:
        table[cell.operation][cell.role][cell.whose].append(cell)
    columns = _columns(payload.cells)
    rows = [_row(operation, by_role, columns) for operation, by_role in table.items()]
    kinds = [kind_of(cell) for cell in payload.cells]
    return MatrixView(
        stage=line(stage, 60),
        columns=tuple(
            RoleColumns(line(role or NOT_LOGGED_IN, 40), tuple(_WHOSE[which] for which in whose))
            for role, whose in columns.items()
        ),
        rows=tuple(rows[:OPERATIONS_MAX]),
        rows_more=max(len(rows) - OPERATIONS_MAX, 0),
        counts=tuple((kind, sum(found is kind for found in kinds)) for kind in KINDS),
        summary=f"{plural(len(payload.cells), 'cell')} of {plural(len(table), 'operation')}",
    )


def _columns(cells: tuple[Cell, ...]) -> dict[str, tuple[Whose, ...]]:
    """The columns of each role, in the order of their sight: those of own, another's, nobody's that occur.

    An operation that names no object fills all columns of the role, so that it needs none of its own.
    """
    there = {(cell.role, cell.whose) for cell in cells}
    roles = dict.fromkeys(cell.role for cell in cells)
    objects = (Whose.OWN, Whose.ANOTHER, Whose.NOBODY)
    return {role: tuple(whose for whose in objects if (role, whose) in there) or (Whose.NONE,) for role in roles}


def _row(operation: str, by_role: _ByRole, columns: dict[str, tuple[Whose, ...]]) -> MatrixRow:
    cells = tuple(cell for role, whose in columns.items() for cell in _role_cells(by_role[role], whose))
    return MatrixRow(line(operation, 140), cells, min((cell.kind.rank for cell in cells if cell.kind), default=len(KINDS)))


def _role_cells(by_whose: dict[Whose, list[Cell]], columns: tuple[Whose, ...]) -> list[MatrixCell]:
    """The cells of one role: one over all columns where the operation names no object."""
    without = by_whose.get(Whose.NONE, [])
    if without and len(by_whose) == 1:
        return [_cell(without, span=len(columns))]
    first, *rest = columns
    return [_cell(without + by_whose.get(first, [])), *(_cell(by_whose.get(whose, [])) for whose in rest)]


def _cell(cells: list[Cell], *, span: int = 1) -> MatrixCell:
    if not cells:
        return MatrixCell(None)
    worst = min(cells, key=lambda cell: kind_of(cell).rank)
    kind = kind_of(worst)
    status = str(worst.status) if worst.status else ""
    note = f"; {line(worst.note, 160)}" if worst.note else ""
    who = f"as {line(worst.user, 40)}: " if worst.user else ""
    return MatrixCell(kind, status, f"{who}{kind.about}{note}", span)
