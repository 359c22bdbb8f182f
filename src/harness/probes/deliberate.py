"""Answers that generated requests hardly ever cause: each is asked for with the one request that should."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.errors import HarnessError
from harness.probes.calls import valid_drafts
from harness.probes.codes import confirmed
from harness.probes.operations import Operation
from harness.probes.preconditions import without_version
from harness.probes.scene import Scene, Untestable

NO_VERSION = "428"


def deliberate_statuses(scene: Scene) -> dict[str, frozenset[str]]:
    """By operation, what was answered to a right one-time code and to a good request that names no version."""
    found: dict[str, frozenset[str]] = {}
    for operation in scene.document.operations:
        try:
            statuses = frozenset(str(status) for status in _statuses(scene, operation))
        except (Untestable, HarnessError):
            if not scene.world.door.alive():
                raise
            continue
        if statuses:
            found[operation.name] = statuses
    return found


def _statuses(scene: Scene, operation: Operation) -> Iterator[int]:
    call = confirmed(scene, operation)
    if call is not None:
        yield call.answer.status
    harmless = scene.world.target.allow.writes and operation.name not in scene.destructive
    if harmless and any(response.status == NO_VERSION for response in operation.responses):
        asker = scene.caller(operation)
        draft = without_version(next(valid_drafts(scene, operation, asker)))
        yield scene.ask(draft.request(asker.role, asker.user)).status
