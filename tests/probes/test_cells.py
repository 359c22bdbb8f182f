"""What makes a refusal mean something."""

from __future__ import annotations

import pytest

from harness.model.evidence import Cell, Whose
from harness.probes.cells import Examined, tried, with_lent_twins
from harness.probes.operations import Operation
from harness.probes.scene import Asker

ASSIGN, BOOK = Operation("POST", "/trips/{id}/assign"), Operation("POST", "/trips/{id}/book")
CUSTOMER, DISPATCHER = Asker("customer", "ann"), Asker("dispatcher", "dan")


def refused(status: int) -> Cell:
    return tried(ASSIGN, CUSTOMER, Whose.OWN, False, False, status)


def done(operation: Operation) -> Examined:
    return Examined(operation, (tried(operation, DISPATCHER, Whose.OWN, True, True, 200),))


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_for_who_it_is_has_a_twin_in_whoever_did_it_with_other_objects(status: int) -> None:
    alone, other = with_lent_twins([Examined(ASSIGN, (refused(status),)), done(ASSIGN)])
    assert alone.cells[0].twin == other.cells[0].name


@pytest.mark.parametrize(("status", "operation"), [(404, ASSIGN), (409, ASSIGN), (403, BOOK)])
def test_the_object_or_another_operation_proves_nothing(status: int, operation: Operation) -> None:
    alone, _ = with_lent_twins([Examined(ASSIGN, (refused(status),)), done(operation)])
    assert alone.cells[0].twin == ""
