"""Every operation as every role that may call it, one request at a time, with the statements that each one caused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.model.errors import HarnessError
from harness.model.evidence import WatchedOperation
from harness.probes.openapi.operations import Operation, only_redirects
from harness.probes.scene.calls import sender, valid_drafts
from harness.probes.scene.scene import NOBODY, Asker, Scene, Untestable
from harness.witness.watcher import Watched, Watcher


@dataclass(frozen=True)
class Sight:
    """What was seen of one operation as one role: a request that succeeded, or the reason why there is none."""

    operation: Operation
    asker: Asker
    watched: Watched | None = None
    note: str = ""

    @property
    def record(self) -> WatchedOperation:
        """For the evidence."""
        watched = self.watched
        if watched is None:
            return WatchedOperation(self.operation.name, self.asker.role, watched=False, note=self.note)
        writes = [write for statement in watched.queries if statement.committed for write in statement.writes]
        return WatchedOperation(
            operation=self.operation.name,
            role=self.asker.role,
            watched=True,
            status=watched.answer.status,
            statements=len(watched.queries),
            rows=round(sum(statement.rows for statement in watched.queries)),
            written=tuple(sorted({write.table for write in writes})),
            transactions=len({s.transaction for s in watched.queries if s.committed and s.writes}),
        )


def in_order(scene: Scene) -> list[Operation]:
    """Reads first, then writes. Deletions come later (see `deletions`), what destroys credentials or data apart."""
    kept = [operation for operation in scene.document.operations if operation.name not in scene.destructive]
    return sorted((each for each in kept if each.method != "DELETE"), key=lambda operation: not operation.is_safe)


def deletions(scene: Scene) -> list[Operation]:
    """What takes away the objects that other requests name."""
    return [each for each in scene.document.operations if each.method == "DELETE" and each.name not in scene.destructive]


def destructive(scene: Scene) -> tuple[Operation, ...]:
    """The operations that destroy credentials or data: each wants a target of its own."""
    return tuple(operation for operation in scene.document.operations if operation.name in scene.destructive)


def askers(scene: Scene, operation: Operation) -> Iterator[Asker]:
    """The first user of each role that may call it; somebody without a credential where none is demanded."""
    if not operation.is_secured:
        yield NOBODY
        return
    for role in scene.roles:
        if scene.permissions.of(operation, role).permitted is not False:
            yield Asker.first_of(role)


def see(scene: Scene, watcher: Watcher, operation: Operation, asker: Asker) -> Sight:
    """The first valid request that succeeds, watched. One with a statement of somebody else among its own is sent again.

    Raises:
        TargetError: the target is dead.
    """
    if not operation.is_safe and not scene.world.target.allow.writes:
        return Sight(operation, asker, note="the target file does not allow writes")
    last = "no valid request could be made"
    try:
        for draft in valid_drafts(scene, operation, asker):
            request = draft.request(*sender(scene, operation, asker))
            watched = watcher.exchange(request, None if asker.role else scene.anonymous)
            if _succeeded(operation, watched) and watched.overlap and operation.is_safe:
                watched = watcher.exchange(request, None if asker.role else scene.anonymous)
            if _succeeded(operation, watched) and not watched.overlap:
                return Sight(operation, asker, watched)
            said = f"the last valid request was answered {_said(watched)}"
            last = watched.overlap if _succeeded(operation, watched) else said
    except (Untestable, HarnessError) as error:
        if not scene.world.door.alive():
            raise
        last = str(error)
    return Sight(operation, asker, note=last)


def _succeeded(operation: Operation, watched: Watched) -> bool:
    redirected = 300 <= watched.answer.status < 400 and only_redirects(operation)
    return watched.answer.is_success or redirected


def _said(watched: Watched) -> str:
    return str(watched.answer.status or watched.answer.error)
