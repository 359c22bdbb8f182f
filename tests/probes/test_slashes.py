"""A platform whose paths all end with a slash is judged as the same one without them."""

from __future__ import annotations

import pytest

from harness.probes.access.authorization import AuthorizationRun, Matrix
from harness.probes.openapi.document import Document
from tests.probes.servers import projects_server, tickets_server
from tests.probes.servers.small_http import slashed


def found(matrix: Matrix) -> set[tuple[str, str, str]]:
    return {(f.rule, f.operation.rstrip("/"), f.parameter) for item in matrix.examined for f in item.findings}


def cells(matrix: Matrix) -> set[tuple[str, str, str, bool | None]]:
    return {(cell.operation.rstrip("/"), cell.role, cell.whose, cell.allowed if cell.tried else None) for cell in matrix.cells}


@pytest.mark.parametrize("defect", ["", "any-project", "ignores-project", "loose-read", "loose-write", "any-lead"])
def test_objects_below_others_are_tried_and_judged_alike(defect: str) -> None:
    document, defects = projects_server.DOCUMENT, frozenset({defect} - {""})
    plain = AuthorizationRun(projects_server.Servers(defects), document, seed=1).run()
    other = AuthorizationRun(projects_server.Servers(defects, slashes=True), slashed(document), seed=1).run()
    assert (found(other), cells(other)) == (found(plain), cells(plain))
    assert bool(defect) == bool(found(plain))


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize("defect", ["", tickets_server.STARRED, tickets_server.MOVED])
def test_objects_in_lists_are_tried_and_judged_alike(defect: str, described: bool) -> None:
    document, defects = tickets_server.DOCUMENT, frozenset({defect} - {""})
    desks = [tickets_server.Desks(defects, described, slashes=slashes) for slashes in (False, True)]
    plain, other = (AuthorizationRun(*each, seed=1).run() for each in zip(desks, (document, slashed(document)), strict=True))
    assert (found(other), cells(other)) == (found(plain), cells(plain))
    assert bool(defect) == bool(found(plain))


def test_an_operation_is_found_with_or_without_its_slash() -> None:
    document = slashed(projects_server.DOCUMENT)
    both = Document.of({"openapi": "3.1.0", "paths": {path: {"get": {"responses": {}}} for path in ("/a", "/a/", "/b/", "/")}})
    assert [document.operation(name).path for name in ("GET /projects", "GET /projects/")] == ["/projects/"] * 2
    assert [getattr(both.find("GET", path), "path", "") for path in ("/a", "/a/", "/b", "/c")] == ["/a", "/a/", "/b/", ""]
    assert [getattr(both.find("GET", path), "path", None) for path in ("/", "")] == ["/", None]  # the root is no list
