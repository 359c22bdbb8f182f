"""Engine `schemathesis`: every operation against the committed document."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import ClassVar

from harness.engines.engine import StageJob, StageOutcome
from harness.engines.suite import Payload, run_suite
from harness.evidence.records import Records
from harness.model.evidence import ContractPayload, Counts, Kind, OperationCases


class SchemathesisEngine:
    """Runs the contract suite and adds up its cases."""

    name: ClassVar[str] = "schemathesis"
    about: ClassVar[str] = "generated cases for every operation of the OpenAPI document, as every role"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.TESTS, Kind.CONTRACT)

    def run(self, job: StageJob) -> StageOutcome:
        """Runs the suite; the contract evidence is there only if a document was read."""
        return run_suite(job, contract_payloads, tool="schemathesis", version=version("schemathesis"))


def contract_payloads(_job: StageJob, records: Records) -> Sequence[Payload]:
    """The contract payload of some records; none where no document was read."""
    if not records.documents:
        return ()
    document = records.documents[-1]
    cases = _added_up(records.cases)
    payload = ContractPayload(
        document=document.name,
        operations=document.operations,
        untested=records.untested,
        cases=cases,
        phases=tuple(dict.fromkeys(phase for entry in records.documents for phase in entry.phases)),
        findings=tuple(records.findings.values()),
        observations=tuple(records.observations),
        parameters=document.parameters,
    )
    sent = sum(entry.cases for entry in cases)
    counts = Counts(sent, sent, sum(entry.failures for entry in cases), len(records.untested))
    return (Payload(Kind.CONTRACT, payload, counts),)


def _added_up(cases: Sequence[OperationCases]) -> tuple[OperationCases, ...]:
    totals: dict[tuple[str, str], OperationCases] = {}
    for entry in cases:
        key = (entry.operation, entry.role)
        totals[key] = _sum(totals[key], entry) if key in totals else entry
    return tuple(totals.values())


def _sum(one: OperationCases, other: OperationCases) -> OperationCases:
    statuses = {
        status: one.statuses.get(status, 0) + other.statuses.get(status, 0)
        for status in sorted(one.statuses.keys() | other.statuses.keys())
    }
    return OperationCases(
        one.operation,
        one.role,
        one.permitted or other.permitted,
        one.cases + other.cases,
        one.successes + other.successes,
        one.failures + other.failures,
        statuses,
    )
