"""One examined cell of the matrix with what was found in it, and the twins that make a refusal mean something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding, Observation
from harness.probes.operations import Operation
from harness.probes.scene import Asker


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
    successes = [cell for cell in listed if cell.permitted and cell.allowed]
    order = {Whose.OWN: 0, Whose.NONE: 1, Whose.ANOTHER: 2, Whose.NOBODY: 3}
    best = min(successes, key=lambda cell: order[cell.whose], default=None)
    if best is None:
        return listed
    return tuple(cell if cell.permitted else replace(cell, twin=best.name) for cell in listed)
