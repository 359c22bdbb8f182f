"""Fixed operators that plant one defect each wherever a platform's source has a place for it."""

from __future__ import annotations

from harness.faults.operators.calls import DroppedCall, KeywordValue
from harness.faults.operators.entries import DroppedEntry
from harness.faults.operators.guards import DroppedGuard
from harness.faults.operators.routes import RouteDependency
from harness.faults.operators.site import Operator
from harness.faults.operators.splice import SplicedParameter
from harness.faults.operators.strings import ReplacedText
from harness.faults.operators.templates import DroppedEscape

OPERATORS: dict[str, type[Operator]] = {
    operator.name: operator
    for operator in (
        DroppedCall,
        DroppedEntry,
        DroppedEscape,
        DroppedGuard,
        KeywordValue,
        ReplacedText,
        RouteDependency,
        SplicedParameter,
    )
}
"""Every operator by the name that `faults/operators.toml` calls it by."""
