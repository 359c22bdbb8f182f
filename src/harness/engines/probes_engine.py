"""Engine `probes`: attacks and checks of ours, sent by the suites that say what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from harness import __version__
from harness.engines.engine import StageJob, StageOutcome
from harness.engines.suite import Payload, run_suite
from harness.evidence.records import Records
from harness.model.evidence import AuthorizationPayload, Counts, FindingsPayload, Kind

# Plugins that installed libraries bring, that no suite of probes uses, and that load for more than a second.
_WITHOUT = ("-p", "no:hypothesispytest", "-p", "no:faker")


class ProbesEngine:
    """Runs a suite of probes; a matrix of cells makes authorization evidence, everything else makes findings."""

    name: ClassVar[str] = "probes"
    about: ClassVar[str] = "our own probes: authorization matrix, sessions and tokens, headers, CORS, abuse"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS, Kind.AUTHORIZATION, Kind.FINDINGS)

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the suite and sorts what it recorded."""
        return run_suite(job, probe_payloads, tool="probes", version=__version__, extra=_WITHOUT)


def probe_payloads(_job: StageJob, records: Records) -> Sequence[Payload]:
    """An authorization payload where cells were recorded, a findings payload where reach or findings were."""
    findings, observations = tuple(records.findings.values()), tuple(records.observations)
    if records.cells:
        tried = sum(cell.tried for cell in records.cells)
        matrix = AuthorizationPayload(tuple(records.cells), findings, observations)
        return (
            Payload(Kind.AUTHORIZATION, matrix, Counts(len(records.cells), tried, len(findings), len(records.cells) - tried)),
        )
    if records.reach or findings:
        requests = sum(entry.requests for entry in records.reach)
        reach = tuple(
            replace(entry, parameters=records.parameters.get(entry.engine, entry.parameters)) for entry in records.reach
        )
        payload = FindingsPayload(findings, reach, observations, tuple(records.examined))
        return (Payload(Kind.FINDINGS, payload, Counts(requests, requests, len(findings), 0)),)
    return ()
