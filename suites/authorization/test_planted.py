"""Holes that are planted in front of the target are found: the refusals that were seen could have been seen missing."""

from __future__ import annotations

from itertools import islice

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import EngineError, HarnessError
from harness.probes.access.authorization import Matrix
from harness.probes.access.planted import Hole, HoleKind, Seen, holes, looked_for
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena

TRIED_MAX = 3  # all of them must be missed before it says so: an operation may show nothing of whose data it deals with


@pytest.mark.proves("7.3.5.b")
@pytest.mark.parametrize("kind", HoleKind, ids=lambda kind: kind.name.lower())
def test_a_planted_hole_is_found(
    kind: HoleKind, arena: Arena, document: Document, seed: int, matrix: Matrix, record: Recorder
) -> None:
    missed: list[str] = []
    planted = list(islice(holes(matrix, kind, arena.target), TRIED_MAX))
    for hole in planted:
        record.progress(f"planted: {hole.title}")
        seen = _looked_for(hole, arena, document, seed)
        if seen is Seen.FOUND:
            return
        missed.extend([hole.title] if seen is Seen.MISSED else [])
    if len(missed) == TRIED_MAX:  # no failure of the target: what was asked of it says nothing
        raise EngineError(f"none of these planted holes was found, so its refusals prove nothing: {'; '.join(missed)}")
    pytest.skip(f"not found: {'; '.join(missed)}" if missed else f"nothing refuses anybody by {kind}, or it could not be planted")


def _looked_for(hole: Hole, arena: Arena, document: Document, seed: int) -> Seen:
    with arena.unmeasured.fresh("planted") as door:
        try:
            return looked_for(door, document, seed, hole)
        except HarnessError:
            if not door.alive():
                raise
            return Seen.NOT_OPEN
