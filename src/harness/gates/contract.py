"""Gate `contract`: every operation keeps the committed document, and enough was tried to say so."""

from __future__ import annotations

from collections import defaultdict
from typing import ClassVar

from harness.gates.common import files, judged, suite_failures, suite_gaps
from harness.gates.view import GateView, Judgement, conclude
from harness.model.evidence import ContractPayload, Kind
from harness.model.gate import GateResult, Measure
from harness.model.plan import ContractLimits


class ContractGate:
    """The platform does what its document promises."""

    name: ClassVar[str] = "contract"
    question: ClassVar[str] = "Does every operation keep what the committed document promises, as every role?"
    kinds: ClassVar[tuple[Kind, ...]] = (Kind.CONTRACT, Kind.TESTS)
    minimum: ClassVar[str] = (
        "each operation has `cases_min` cases, and `successes_min` 2xx answers for each role that may call it; every phase came "
        "to its end"
    )
    advice: ClassVar[str] = (
        "mend the platform, or the document where it promises the wrong thing; see one again: harness replay <id>"
    )

    def judge(self, view: GateView) -> GateResult:
        """FAIL on a broken promise, UNKNOWN where too little was tried."""
        items = view.of(Kind.CONTRACT)
        found = judged((f for item in items for f in item.payload.findings), view)
        gaps = [line for item in items for line in _gaps(item.payload, view.limits.contract)]
        cases = sum(entry.cases for item in items for entry in item.payload.cases)
        operations = sum(len(item.payload.operations) for item in items)
        judgement = Judgement(
            failures=(*found.failures, *suite_failures(view)),
            gaps=(*view.gaps(Kind.CONTRACT), *suite_gaps(view), *gaps),
            measures=tuple(_measure(item.payload, view.limits.contract) for item in items),
            findings=found.fingerprints,
            details=found.excused,
            passed=f"{operations} operations kept their contract in {cases} cases",
            evidence=files(items),
        )
        return conclude(self, judgement)


def _cases_by_operation(payload: ContractPayload) -> dict[str, int]:
    cases: dict[str, int] = defaultdict(int)
    for entry in payload.cases:
        cases[entry.operation] += entry.cases
    return cases


def _measure(payload: ContractPayload, limits: ContractLimits) -> Measure:
    cases = _cases_by_operation(payload)
    least = min((cases.get(operation, 0) for operation in payload.operations), default=None)
    return Measure("fewest cases of an operation", least, limits.cases_min, "≥", "cases", sum(cases.values()))


def _gaps(payload: ContractPayload, limits: ContractLimits) -> list[str]:
    cases = _cases_by_operation(payload)
    lines = [f"{operation}: not tested: {why}" for operation, why in payload.untested.items()]
    if not payload.operations:
        lines.append("the document has no operations")
    for operation in payload.operations:
        if operation not in payload.untested and cases.get(operation, 0) < limits.cases_min:
            lines.append(f"{operation}: {cases.get(operation, 0)} cases, wanted at least {limits.cases_min}")
    successes: dict[tuple[str, str], int] = defaultdict(int)
    for entry in payload.cases:
        if entry.permitted:
            successes[entry.operation, entry.role] += entry.successes
    for (operation, role), count in successes.items():
        if count < limits.successes_min:
            who = f"{role or 'anonymous'}, who may call it as far as the document says"
            lines.append(f"{operation}: no success as {who}: what is always refused is not tested")
    return lines
