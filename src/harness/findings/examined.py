"""What a run's evidence says of which rules were tried on which operations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from harness.model.evidence import AuthorizationPayload, ContractPayload, DatabasePayload, FindingsPayload
from harness.model.waiver import Examined


def examined(payload: object) -> tuple[Examined, ...]:
    """The rules that one payload of evidence says were tried; nothing for a payload that finds no defects."""
    match payload:
        case ContractPayload():
            done = [case for case in payload.cases if case.cases and case.operation not in payload.untested]
            return _by_role("schemathesis", "contract.*", ((case.role, case.operation) for case in done))
        case AuthorizationPayload():
            tried = [cell for cell in payload.cells if cell.tried]
            return _by_role("probes", "authorization.*", ((cell.role, cell.operation) for cell in tried))
        case FindingsPayload() | DatabasePayload():
            return payload.examined
    return ()


def _by_role(engine: str, rule: str, pairs: Iterable[tuple[str, str]]) -> tuple[Examined, ...]:
    operations: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for role, operation in pairs:
        operations[role][operation] = None
    return tuple(Examined(engine, (rule,), tuple(names), (role,)) for role, names in operations.items())
