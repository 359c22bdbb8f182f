"""The whole matrix of one target: every operation, everybody, whosever object; what is found is tried a second time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from harness.model.errors import HarnessError
from harness.model.evidence import Cell, Whose
from harness.model.finding import Confidence, Finding
from harness.model.target import ObjectKind
from harness.probes.access.body_references import further_references, part_references
from harness.probes.access.cells import Examined, untried, with_lent_twins
from harness.probes.access.exports import examine_exports
from harness.probes.access.functions import examine_function
from harness.probes.access.lists import examine_echoes, examine_shared, examine_summaries
from harness.probes.access.published import examine_published, examine_published_by, published_lists
from harness.probes.access.reads import Stage, examine_read, staged
from harness.probes.access.writes import examine_write
from harness.probes.again import with_makers
from harness.probes.deaths import Death, death_by
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.named_accounts import named_accounts
from harness.probes.scene.objects import Reference
from harness.probes.scene.scene import Asker, Scene, Untestable

CONFIRMATIONS_MAX = 20  # each takes a fresh target; what is found beyond stays at medium confidence


Examine = Callable[[Scene], Iterator[Examined]]


@dataclass
class Matrix:
    """Everything that was examined. `death` says how the target ended, where it did."""

    document: Document
    examined: list[Examined] = field(default_factory=list)
    requests: int = 0
    death: Death | None = None

    @property
    def died(self) -> str:
        """How the target ended; "" where it did not."""
        return self.death.note if self.death else ""

    def of(self, operation: str) -> list[Examined]:
        """What was examined of one operation."""
        return [item for item in self.examined if item.operation.name == operation]

    @property
    def cells(self) -> list[Cell]:
        """All cells, in the order in which they were tried."""
        return [cell for item in self.examined for cell in item.cells]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that have cells."""
        return tuple(dict.fromkeys(cell.role for cell in self.cells if cell.role))

    def gaps(self, operation: str) -> list[str]:
        """Why an operation's cells prove less than they should: what was not tried, and refusals without a permitted twin."""
        cells = [cell for cell in self.cells if cell.operation == operation]
        gaps = list(dict.fromkeys(cell.note for cell in cells if not cell.tried))
        alone = [cell.name for cell in cells if cell.tried and not cell.permitted and not cell.twin]
        if alone:
            gaps.append(f"nobody succeeded, so these refusals prove nothing: {', '.join(alone)}")
        return gaps if cells else ["the operation was not examined"]


@dataclass
class AuthorizationRun:
    """Examines a target's authorization. `say` is told of each operation as soon as it is examined."""

    doors: Doors
    document: Document
    seed: int
    say: Callable[[Examined], None] = lambda _examined: None
    _confirmations: int = 0
    _published: dict[str, list[Examined]] = field(default_factory=lambda: defaultdict(list))  # by operation, not yet said

    def run(self) -> Matrix:
        """The matrix, whatever happens to the target: what could not be tried is in it as untried."""
        matrix = Matrix(self.document)
        with self.doors.fresh("authorization") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            plan = list(self._plan(scene))
            self._take_published(matrix, scene)
            self._take(matrix, scene, plan)
            apart = [operation for operation in self._ordered() if operation.name in scene.destructive]
            matrix.requests += world.traffic.requests
        for operation in apart:
            self._examine_apart(matrix, operation)
        return matrix

    def _ordered(self) -> list[Operation]:
        """Readers first, then writers, then what deletes."""
        return sorted(self.document.operations, key=lambda operation: (not operation.is_safe, operation.method == "DELETE"))

    def _plan(self, scene: Scene) -> Iterator[tuple[Operation, Examine]]:
        kinds = scene.kinds
        for operation in self._ordered():
            if operation.name not in scene.destructive:
                yield operation, lambda scene, operation=operation: examine_operation(scene, operation)  # type: ignore[misc]
        for kind in kinds:
            listed = self.document.find("GET", kind.list_path)
            if listed is not None:
                yield listed, lambda scene, kind=kind: examine_kind(scene, kind)  # type: ignore[misc]

    def _take_published(self, matrix: Matrix, scene: Scene) -> None:
        """First, and kept for each operation: who may not change another's lends the twin to whoever met a stranger's there."""
        for lister in published_lists(scene):
            examine: Examine = lambda scene, lister=lister: examine_published(scene, lister)  # type: ignore[misc] # noqa: E731
            try:
                for examined in _repeatable(scene, examine):
                    self._published[examined.operation.name].append(self._confirmed(examined, examine))
            except HarnessError as error:
                self._published[lister.name].append(_not_examined(scene, lister, error.message))
                if not scene.world.door.alive():
                    matrix.death = death_by(error)
                    return

    def _take(self, matrix: Matrix, scene: Scene, plan: list[tuple[Operation, Examine]]) -> None:
        for operation, examine in plan:
            beside = self._published.pop(operation.name, [])
            if matrix.died:
                for examined in (_not_examined(scene, operation, matrix.died), *beside):
                    self._add(matrix, examined)
                continue
            try:
                done = [*_repeatable(scene, examine)]
                for number, examined in enumerate(with_lent_twins([*done, *beside])):
                    self._add(matrix, self._confirmed(examined, examine) if number < len(done) else examined)
            except HarnessError as error:
                for examined in (_not_examined(scene, operation, error.message), *beside):
                    self._add(matrix, examined)
                if not scene.world.door.alive():
                    matrix.death = death_by(error)

    def _add(self, matrix: Matrix, examined: Examined) -> None:
        matrix.examined.append(examined)
        self.say(examined)

    def _examine_apart(self, matrix: Matrix, operation: Operation) -> None:
        """An operation that destroys credentials or data gets a target of its own."""
        with self.doors.fresh("destructive") as door, World(door) as world:
            scene = Scene(world, self.document, self.seed)
            if not self.doors.isolated:
                why = "it destroys credentials or data, and this target cannot be given fresh ones"
                self._add(matrix, _not_examined(scene, operation, why))
                return
            examine: Examine = lambda scene: examine_operation(scene, operation)  # noqa: E731
            self._take(matrix, scene, [(operation, examine)])
            matrix.requests += world.traffic.requests

    # -- seeing it a second time

    def _confirmed(self, examined: Examined, examine: Examine) -> Examined:
        """The findings with their confidence: high when they are seen again on a fresh clone."""
        if not examined.findings or not self.doors.isolated or self._confirmations >= CONFIRMATIONS_MAX:
            return examined
        self._confirmations += 1
        try:
            with self.doors.fresh("confirm") as door, World(door) as world:
                again = {
                    finding.fingerprint: finding
                    for item in _repeatable(Scene(world, self.document, self.seed), examine)
                    for finding in item.findings
                }
        except HarnessError:
            return examined
        rated = (_rated(finding, again.get(finding.fingerprint), certain=examined.certain) for finding in examined.findings)
        return replace(examined, findings=tuple(rated))


def _repeatable(scene: Scene, examine: Examine) -> Iterator[Examined]:
    """What an examination finds, each finding with the requests that made the objects of its steps."""
    for examined in examine(scene):
        yield replace(examined, findings=tuple(with_makers(finding, scene.made) for finding in examined.findings))


def _rated(finding: Finding, again: Finding | None, *, certain: bool) -> Finding:
    if again is None:
        return replace(finding, confidence=Confidence.LOW)
    return replace(again, confidence=Confidence.HIGH if certain else Confidence.MEDIUM)


def examine_operation(scene: Scene, operation: Operation) -> Iterator[Examined]:
    """Every cell of one operation: by the object that its path names, by objects named elsewhere, or as a function."""
    references = scene.references(operation)
    in_path = [reference for reference in references if reference.place == "path"]
    if in_path:
        yield _examine_reference(scene, operation, in_path[-1])
        for reference in scene.bound_references(operation):
            yield _examine_reference(scene, operation, reference)
    else:
        yield examine_function(scene, operation)
        for reference in part_references(scene, operation):
            yield _examine_reference(scene, operation, reference)
    for reference in references:
        if reference.place != "path" and not _is_for_all(scene, reference):
            yield _examine_reference(scene, operation, reference)
    for reference in further_references(scene, operation):
        yield _examine_reference(scene, operation, reference)
    for reference in named_accounts(scene, operation):
        yield _examine_reference(scene, operation, reference)


def examine_again(scene: Scene, operation: Operation) -> Iterator[Examined]:
    """All that is examined of one operation, on a scene of its own."""
    yield from examine_operation(scene, operation)
    yield from examine_published_by(scene, operation)


def _is_for_all(scene: Scene, reference: Reference) -> bool:
    """Whether everybody may name the object there: a post for its comments; not a user, by whose id lists are filtered."""
    return reference.kind.published and not (reference.place == "query" and scene.is_account(reference.kind))


def _examine_reference(scene: Scene, operation: Operation, reference: Reference) -> Examined:
    examined = (examine_read if operation.is_safe else examine_write)(scene, operation, reference)
    described = any(kind.name == reference.kind.name for kind in scene.world.target.objects)
    return replace(examined, certain=described and not reference.peers_only)


def examine_kind(scene: Scene, kind: ObjectKind) -> Iterator[Examined]:
    """What lists and summaries show of one kind's objects."""
    certain = kind in scene.world.target.objects
    for examined in _examined_of_kind(scene, kind):
        yield replace(examined, certain=certain)


def _examined_of_kind(scene: Scene, kind: ObjectKind) -> Iterator[Examined]:
    told: set[str] = set()  # an operation that shows another's objects counts them too: said once
    shared = examine_shared(scene, scene.holdings(kind))
    if shared is not None:
        told.add(shared.operation.name)
        yield shared
    listed = scene.document.find("GET", kind.list_path)
    if listed is None:
        return
    try:
        stage = staged(scene, Reference(listed.name, "", "query", kind))
    except Untestable:
        return  # the operations of the kind say so in their own cells
    for examined in examine_summaries(scene, stage):
        told.add(examined.operation.name)
        yield examined
    for examined in examine_exports(scene, stage):
        told.add(examined.operation.name)
        yield examined
    writer = _writer(scene, kind)
    if writer is not None:
        operation, reference = writer
        echoes = examine_echoes(scene, operation, replace_reference(stage, reference))
        yield replace(echoes, findings=tuple(finding for finding in echoes.findings if finding.operation not in told))


def replace_reference(stage: Stage, reference: Reference) -> Stage:
    """The same owner and peer, for another place that names the object."""
    return replace(stage, reference=reference)


def _writer(scene: Scene, kind: ObjectKind) -> tuple[Operation, Reference] | None:
    """An operation that changes an object of the kind and leaves it there."""
    for operation in scene.document.operations:
        if operation.method in ("PUT", "PATCH", "POST") and operation.name not in scene.destructive:
            for reference in scene.references(operation):
                if reference.kind == kind and reference.place == "path":
                    return operation, reference
    return None


def _not_examined(scene: Scene, operation: Operation, why: str) -> Examined:
    cells = []
    for asker in scene.askers():
        permitted = scene.permission(operation, asker).permitted is not False
        cells.append(untried(operation, asker, Whose.NONE, permitted, why))
    return Examined(operation, tuple(cells))


__all__ = ["Asker", "AuthorizationRun", "Doors", "Examined", "Matrix", "examine_again", "examine_kind", "examine_operation"]
