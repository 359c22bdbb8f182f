"""No single request takes the platform from the others, and what callers store harms nobody who gets it."""

from __future__ import annotations

import pytest

from harness.probes.abuse.cost import examine_cost
from harness.probes.abuse.slow_clients import examine_slow_clients
from harness.probes.again import in_scene
from harness.probes.injection.formulas import examine_formulas
from harness.probes.injection.uploads import examine_uploads
from harness.probes.openapi.document import Document
from harness.targets.arena import Arena
from suites.security.judging import Judge


def test_pages_patterns_and_bodies_are_bounded(document: Document, seed: int, judge: Judge) -> None:
    judge.alone("cost", in_scene(document, seed, examine_cost))


@pytest.mark.proves("2.1.5.a")
def test_slow_clients_keep_nobody_waiting(arena: Arena, judge: Judge) -> None:
    if not arena.target.allow.active_scan:
        pytest.skip("the target file does not allow active scans")
    judge.together("slow clients", lambda scene: examine_slow_clients(scene.world.door))


def test_an_export_holds_no_formula(judge: Judge) -> None:
    judge.together("formulas", examine_formulas)


def test_an_upload_is_kept_and_served_safely(judge: Judge) -> None:
    judge.together("uploads", examine_uploads)
