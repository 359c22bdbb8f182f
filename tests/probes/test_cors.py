"""Origins that a target lists: what of it has to let them in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.probes.audits.cors import examine_cors
from harness.probes.http.exchange import World
from harness.probes.tour import take_tour
from tests.probes.servers.gate_server import DOCUMENT, LIMITS, Gate, Gates, target
from tests.probes.servers.small_http import Asked, Given, served

ORIGIN = "https://pages.example"


@pytest.mark.parametrize(("shut", "said"), [("/news", []), ("/me", ["cors.allowed-refused"]), ("/", ["cors.allowed-refused"])])
def test_what_nobody_logs_in_for_may_keep_a_listed_origin_out(shut: str, said: list[str]) -> None:
    tour, gate = take_tour(Gates(), DOCUMENT, 1), Gate()

    def answer(asked: Asked) -> Given:
        given = gate.answer(replace(asked, method="GET") if asked.method == "OPTIONS" else asked)
        lets_in = asked.headers.get("origin") == ORIGIN and not asked.path.startswith((shut, "/health"))
        return replace(given, headers={**given.headers, "Access-Control-Allow-Origin": ORIGIN}) if lets_in else given

    described = replace(target(LIMITS), origins=(ORIGIN,))
    with served(described, answer) as live, World(live) as world:
        report = examine_cors(world, tour)
    assert [finding.rule for finding in report.findings or ()] == said
    assert report.tried
