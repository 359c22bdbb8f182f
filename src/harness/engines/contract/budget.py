"""How much the contract stage may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Bounds of one campaign. Cases are counted first, so that a run is the same on a slow machine; time only stops a runaway.

    `cases_per_operation` bounds what one role sends to one operation in one phase; the enumerated cases of the document's own
    limits (phase `coverage`) may be three times as many, and a role that may not call the operation sends a tenth.
    `seconds` bounds the whole campaign, starting of targets included; `request_seconds` one answer, `answer_bytes_max` its size.
    """

    cases_per_operation: int = 30
    seconds: float = 180.0
    request_seconds: float = 10.0
    answer_bytes_max: int = 4 * 1024 * 1024
    workers: int = 2

    @property
    def enumerated_max(self) -> int:
        """Cases of the phases `examples` and `coverage`, per operation."""
        return 3 * self.cases_per_operation

    @property
    def scenarios_max(self) -> int:
        """Sequences of requests in the phase `stateful`."""
        return max(5, self.cases_per_operation)

    @property
    def refused_max(self) -> int:
        """Cases that a role sends to an operation that it may not call."""
        return max(3, self.cases_per_operation // 10)
