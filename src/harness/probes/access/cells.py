"""One examined cell of the matrix with what was found in it, and the twins that make a refusal mean something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding, Observation
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker


@dataclass(frozen=True)
class Examined:
    """What the examination of one operation gave.

    `certain` is false where ownership or permission was inferred: nothing found then is of high confidence.
    """

    operation: Operation
    cells: tuple[Cell, ...] = ()
    findings: tuple[Finding, ...] = ()
    observations: tuple[Observation, ...] = ()
    certain: bool = True

    @property
    def has_success(self) -> bool:
        """Whether anybody who may call it succeeded."""
        return any(cell.permitted and cell.allowed for cell in self.cells)


def untried(operation: Operation, asker: Asker, whose: Whose, permitted: bool, why: str) -> Cell:
    """A cell that could not be sent."""
    return Cell(operation.name, asker.role, asker.user, whose, permitted, tried=False, note=why)


def tried(operation: Operation, asker: Asker, whose: Whose, permitted: bool, allowed: bool, status: int, note: str = "") -> Cell:
    """A cell that was sent. A refusal that is no 4xx is named in the note."""
    return Cell(operation.name, asker.role, asker.user, whose, permitted, tried=True, allowed=allowed, status=status, note=note)


def with_twins(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """The cells, each forbidden one with the permitted one that succeeded on the same operation, one's own object first."""
    listed = tuple(cells)
    best = _success(listed)
    if best is None:
        return listed
    return tuple(cell if cell.permitted else replace(cell, twin=best.name) for cell in listed)


def with_lent_twins(every: Iterable[Examined]) -> list[Examined]:
    """What was examined of one operation. Who was refused for who it is (401, 403) has a twin in whoever did it elsewhere.

    Not so a 404 or a 409, as the object may be why: unless the same was refused in the same way where a twin succeeded.
    """
    listed = list(every)
    best = _success(cell for item in listed for cell in item.cells)
    proved = {(cell.name, cell.status) for item in listed for cell in item.cells if cell.twin}

    def lent(cell: Cell) -> Cell:
        is_of_the_asker = cell.status in (401, 403) or (cell.name, cell.status) in proved
        if best is None or not cell.tried or cell.permitted or cell.twin or not is_of_the_asker:
            return cell
        return replace(cell, twin=best.name)

    return [replace(item, cells=tuple(map(lent, item.cells))) for item in listed]


def _success(cells: Iterable[Cell]) -> Cell | None:
    order = {Whose.OWN: 0, Whose.NONE: 1, Whose.ANOTHER: 2, Whose.NOBODY: 3}
    successes = [cell for cell in cells if cell.permitted and cell.allowed]
    return min(successes, key=lambda cell: order[cell.whose], default=None)
