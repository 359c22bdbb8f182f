"""Answers that generated requests hardly ever cause: each is asked for with the one request that should."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from harness.model.errors import HarnessError
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import attempts, caller, valid_drafts
from harness.probes.scene.code_exchange import confirmed
from harness.probes.scene.preconditions import without_version
from harness.probes.scene.scene import Scene, Untestable

NO_VERSION = "428"


def deliberate_statuses(scene: Scene, *, isolated: bool = True) -> dict[str, frozenset[str]]:
    """By operation, what was answered to a right one-time code, to a refresh token and to a good request that names no version.

    Args:
        isolated: whether the target is the caller's alone; if not, a code that would change a user's password is not sent.
    """
    found: dict[str, frozenset[str]] = {}
    kept = () if isolated else scene.resets
    for operation in sorted(scene.document.operations, key=scene.lateness):  # who has another password cannot log in any more
        if operation.name in kept:
            continue
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
    if scene.world.target.allow.writes and scene.refreshes(operation):
        yield from (call.answer.status for call in islice(attempts(scene, operation, scene.caller(operation)), 1))
    harmless = scene.world.target.allow.writes and operation.name not in scene.destructive
    if harmless and any(response.status == NO_VERSION for response in operation.responses):
        asker = caller(scene, operation)
        draft = without_version(next(valid_drafts(scene, operation, asker)))
        yield scene.ask(draft.request(asker.role, asker.user)).status
