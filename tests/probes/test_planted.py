"""A hole that is planted in front of a target is seen by the examination, on platforms that know nothing of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from harness.evidence.records import Recorder
from harness.model.errors import EngineError
from harness.model.evidence import Cell, Whose
from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.access.cells import Examined
from harness.probes.access.planted import Hole, HoleKind, Seen, holes, looked_for
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Asker
from harness.targets.arena import Arena
from suites.authorization import test_planted as check
from tests.probes.servers import notes_server, projects_server


@pytest.fixture(scope="module")
def notes() -> Matrix:
    return AuthorizationRun(notes_server.Servers(), notes_server.DOCUMENT, seed=1).run()


@pytest.fixture(scope="module")
def projects() -> Matrix:
    return AuthorizationRun(projects_server.Servers(), projects_server.DOCUMENT, seed=1).run()


def planted(matrix: Matrix, kind: HoleKind, document: Document) -> list[Hole]:
    target = notes_server.target() if document is notes_server.DOCUMENT else projects_server.target()
    return list(holes(matrix, kind, target))


@pytest.mark.parametrize("kind", HoleKind, ids=lambda kind: kind.name.lower())
def test_every_planted_hole_is_seen(kind: HoleKind, notes: Matrix) -> None:
    found = planted(notes, kind, notes_server.DOCUMENT)
    assert found
    for hole in found:
        with notes_server.Servers().fresh("planted") as door:
            assert looked_for(door, notes_server.DOCUMENT, 1, hole) is Seen.FOUND, hole.title


@pytest.mark.parametrize("kind", [HoleKind.READ, HoleKind.WRITE])
def test_a_hole_below_another_object_is_seen_too(kind: HoleKind, projects: Matrix) -> None:
    found = [hole for hole in planted(projects, kind, projects_server.DOCUMENT) if "{taskId}" in hole.operation.path]
    assert found
    for hole in found:
        with projects_server.Servers().fresh("planted") as door:
            assert looked_for(door, projects_server.DOCUMENT, 1, hole) is Seen.FOUND, hole.title


@pytest.mark.parametrize(("staff_rank", "is_planted"), [(2, False), (1, True)])
def test_where_a_higher_role_was_refused_and_nobody_says_that_it_must_no_hole_is_planted(
    *, staff_rank: int, is_planted: bool
) -> None:
    mine = {"get": {"description": "For members only.", "security": [{"token": []}], "responses": {}}}
    schemes = {"securitySchemes": {"token": notes_server.BEARER}}
    document = Document.of({"openapi": "3.0.3", "info": {}, "paths": {"/mine": mine}, "components": schemes})
    served = Cell("GET /mine", "member", "one", Whose.NONE, permitted=True, tried=True, allowed=True, status=200)
    refused = Cell(
        "GET /mine", "staff", "one", Whose.NONE, permitted=False, tried=True, allowed=False, status=403, twin=served.name
    )
    matrix = Matrix(document, [Examined(document.operation("GET /mine"), (served, refused))])
    planted = list(holes(matrix, HoleKind.FUNCTION, notes_server.target(staff_rank=staff_rank)))
    assert bool(planted) == is_planted


def test_a_hole_is_of_the_kind_that_its_refusal_was(notes: Matrix) -> None:
    kinds = {kind: {hole.operation.name for hole in planted(notes, kind, notes_server.DOCUMENT)} for kind in HoleKind}
    assert "GET /notes/{note_id}" in kinds[HoleKind.READ]
    assert "PATCH /notes/{note_id}" in kinds[HoleKind.WRITE]
    assert kinds[HoleKind.FUNCTION] == {"GET /staff/users"}
    assert kinds[HoleKind.NOBODY] >= {"GET /notes", "POST /notes", "GET /summary"}


def test_what_shows_nothing_of_anybodys_is_not_claimed(notes: Matrix) -> None:
    hole = planted(notes, HoleKind.READ, notes_server.DOCUMENT)[0]
    elsewhere = Hole(hole.kind, notes_server.DOCUMENT.operation("GET /summary"), hole.asker, hole.taken_for)
    with notes_server.Servers().fresh("planted") as door:
        assert looked_for(door, notes_server.DOCUMENT, 1, elsewhere) is Seen.MISSED


def test_a_hole_that_nobody_comes_through_is_not_missed(notes: Matrix) -> None:
    hole = planted(notes, HoleKind.FUNCTION, notes_server.DOCUMENT)[0]
    shut = Hole(hole.kind, hole.operation, hole.asker, Asker("member", "two"))
    with notes_server.Servers().fresh("planted") as door:
        assert looked_for(door, notes_server.DOCUMENT, 1, shut) is Seen.NOT_OPEN


class Ground(notes_server.Servers):
    """Platforms, and what their target file says."""

    target = notes_server.target()

    @property
    def unmeasured(self) -> Ground:
        return self


def test_a_harness_that_sees_no_planted_hole_blames_itself_and_not_the_target(
    notes: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground, recorder = cast(Arena, Ground()), cast(Recorder, SimpleNamespace(progress=lambda _text: None))
    monkeypatch.setattr(check, "looked_for", lambda *_: Seen.MISSED)
    with pytest.raises(EngineError, match="its refusals prove nothing"):
        check.test_a_planted_hole_is_found(HoleKind.NOBODY, ground, notes_server.DOCUMENT, 1, notes, recorder)
