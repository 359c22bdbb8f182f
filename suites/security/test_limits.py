"""Nobody asks, or guesses, without end, whoever they say they are."""

from __future__ import annotations

import pytest

from harness.probes.abuse.guessing import examine_guessing
from harness.probes.abuse.limits import examine_limits
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena
from suites.security.judging import Judge

pytestmark = pytest.mark.proves("2.1.2.a")


@pytest.fixture(autouse=True)
def _attacks_are_allowed(arena: Arena) -> None:
    if not arena.target.allow.active_scan:
        pytest.skip("the target file does not allow active scans")


def test_every_route_is_limited_for_every_client(document: Document, seed: int, judge: Judge) -> None:
    judge.alone("limits", lambda door: examine_limits(door, document, seed))


def test_passwords_cannot_be_guessed(arena: Arena, judge: Judge) -> None:
    if not arena.target.allow.writes:
        pytest.skip("the target file does not allow writes")
    judge.alone("guessing", lambda door: examine_guessing(door, locks=arena.isolated))
