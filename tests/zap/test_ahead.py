"""Targets in turn: the next one starts while the one before is at work, and none is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engines.zap.ahead import Ahead
from harness.model.errors import TargetError
from harness.targets.arena import Arena
from tests.databases.lives import within

LABELS = ("buyer", "seller", "clerk")


class Places:
    """Says what started and ended; `broken` does not start."""

    def __init__(self, *, isolated: bool = True, port: int | None = None, broken: str = "") -> None:
        self.isolated, self.plan, self.broken = isolated, SimpleNamespace(port=port), broken
        self.running: list[str] = []

    @contextmanager
    def fresh(self, label: str) -> Iterator[Any]:
        if label == self.broken:
            raise TargetError(f"{label} does not start")
        self.running.append(label)
        try:
            yield label
        finally:
            self.running.remove(label)


def ahead_of(places: Places) -> Ahead:
    return Ahead(cast(Arena, places), LABELS)


def test_the_next_target_starts_while_the_one_before_is_at_work_and_all_end() -> None:
    places = Places()
    with ahead_of(places) as targets:
        for label, others in zip(LABELS, (["seller"], ["clerk"], []), strict=True):
            with targets.fresh(label) as live:
                assert str(live) == label
                assert within(2, lambda label=label, others=others: sorted(places.running) == sorted([label, *others]))
        assert places.running == []


def test_what_was_started_and_never_asked_for_is_ended() -> None:
    places = Places()
    with ahead_of(places) as targets, targets.fresh("buyer"):
        assert within(2, lambda: "seller" in places.running)
    assert places.running == []


@pytest.mark.parametrize("places", [Places(isolated=False), Places(port=8080)])
def test_where_two_cannot_be_there_at_once_none_starts_ahead(places: Places) -> None:
    with ahead_of(places) as targets:
        for label in LABELS:
            with targets.fresh(label):
                assert places.running == [label]


def test_a_target_that_does_not_start_is_an_error_of_its_own_turn_and_the_next_one_has_its_turn() -> None:
    places = Places(broken="seller")
    with ahead_of(places) as targets:
        with targets.fresh("buyer"):
            pass
        with pytest.raises(TargetError, match="seller does not start"), targets.fresh("seller"):
            pass
        with targets.fresh("clerk") as live:
            assert str(live) == "clerk"
    assert places.running == []
