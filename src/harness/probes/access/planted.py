"""Holes that are planted between the harness and the target: an operation takes one caller for another.

What comes back is what a missing check would give, whatever the target is built with. An examination that does not see it there
would not see a real one: its refusals prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.model.evidence import Cell, Whose
from harness.model.finding import Request
from harness.model.target import Target
from harness.probes.access.authorization import Matrix, examine_again
from harness.probes.access.published import EVERYBODY_WRITES
from harness.probes.http.answers import Answer
from harness.probes.http.door import Credential, Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.destruction import destructive
from harness.probes.scene.permissions import Permissions
from harness.probes.scene.scene import Asker, Scene


class HoleKind(StrEnum):
    """What the operation does not ask."""

    READ = "whose object is read"
    WRITE = "whose object is written to"
    FUNCTION = "which role calls"
    NOBODY = "whether anybody is logged in"


@dataclass(frozen=True)
class Hole:
    """The operation takes the asker for somebody who may call it."""

    kind: HoleKind
    operation: Operation
    asker: Asker
    taken_for: Asker

    @property
    def title(self) -> str:
        """`GET /x/{id} takes member two for member one`."""
        return f"{self.operation.name} takes {self.asker.title} for {self.taken_for.title}"


class HoledWorld(World):
    """A world in which one operation has the hole."""

    def __init__(self, door: Door, hole: Hole, document: Document) -> None:
        super().__init__(door)
        self.let_through = 0  # requests of the hole's asker that succeeded as somebody else's
        self._hole, self._document = hole, document

    def send_as(self, request: Request, credential: Credential) -> Answer:
        """As its base; the hole's asker goes through with the other one's credential."""
        asker = Asker(request.role, request.user)
        called = self._document.matching(request.method, request.path.partition("?")[0])
        if asker != self._hole.asker or called != self._hole.operation:
            return super().send_as(request, credential)
        answer = super().send_as(request, self.credential(self._hole.taken_for.role, self._hole.taken_for.user))
        self.let_through += answer.is_success
        return answer


def holes(matrix: Matrix, kind: HoleKind, target: Target) -> Iterator[Hole]:
    """One for each operation that refused somebody and served somebody else, those that run apart left out.

    Where nobody says that a role may not call it, as the document keeps it for a lower one, a hole would be no defect.
    """
    apart, permissions = destructive(matrix.document, target), Permissions(matrix.document, target)
    successes = {cell.name: cell for cell in matrix.cells if cell.permitted and cell.allowed}
    seen: set[str] = set()
    for cell in matrix.cells:
        twin = successes.get(cell.twin)
        if twin is None or cell.permitted or cell.allowed or cell.operation in apart | seen:
            continue
        operation = matrix.document.operation(cell.operation)
        if _kind_of(cell, twin) is not kind:
            continue
        if kind is not HoleKind.FUNCTION or permissions.of(operation, target.role(cell.role)).permitted is False:
            seen.add(cell.operation)
            yield Hole(kind, operation, Asker(cell.role, cell.user), Asker(twin.role, twin.user))


def _kind_of(cell: Cell, twin: Cell) -> HoleKind | None:
    if not twin.role:
        return None
    if not cell.role:
        return HoleKind.NOBODY
    if cell.whose is Whose.NONE and cell.role != twin.role:
        return HoleKind.FUNCTION
    if cell.whose is Whose.ANOTHER and cell.role == twin.role and twin.whose is Whose.OWN:
        return HoleKind.READ if cell.operation.startswith("GET ") else HoleKind.WRITE
    return None


class Seen(StrEnum):
    """What became of a planted hole."""

    FOUND = "found"
    MISSED = "missed"
    NOT_OPEN = "not open"  # nobody came through it: the target refused what it took before


def looked_for(door: Door, document: Document, seed: int, hole: Hole) -> Seen:
    """Whether the examination of the operation finds the hole.

    Raises:
        TargetError: the target died, or refused a log-in.
    """
    with HoledWorld(door, hole, document) as world:
        examined = [*examine_again(Scene(world, document, seed), hole.operation)]
    found = [finding for item in examined for finding in item.findings]
    if any(said.rule == EVERYBODY_WRITES for item in examined for said in item.observations):
        return Seen.FOUND
    if any(finding.operation == hole.operation.name and finding.role == hole.asker.role for finding in found):
        return Seen.FOUND
    return Seen.MISSED if world.let_through else Seen.NOT_OPEN
