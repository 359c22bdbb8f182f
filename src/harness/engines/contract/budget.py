"""How much the contract stage may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.config.decode import nearest
from harness.model.errors import ConfigError


@dataclass(frozen=True)
class Budget:
    """Bounds of one campaign. Cases are counted first, so that a run is the same on a slow machine; time only stops a runaway.

    `cases_per_operation` bounds what one role sends to one operation in one phase; the enumerated cases of the document's own
    limits (phase `coverage`) may be twice as many, and more where each is the first of its kind, and a role that may not call
    the operation sends a tenth. `seconds` bounds the whole campaign, starting of targets included; `request_seconds` one answer,
    `answer_bytes_max` its size.
    """

    cases_per_operation: int = 30
    seconds: float = 420.0
    request_seconds: float = 10.0
    answer_bytes_max: int = 4 * 1024 * 1024
    workers: int = 2

    @classmethod
    def of(cls, options: Mapping[str, int], *, workers: int) -> Budget:
        """The budget that a stage's options say; what they do not name is as usual.

        Raises:
            ConfigError: an option is none of a budget's, or no number above 0.
        """
        known = [field.name for field in fields(cls)]
        for name, value in options.items():
            if name not in known:
                raise ConfigError(f"stages.contract.options.{name}: unknown", hint=nearest(name, known))
            if value <= 0:
                raise ConfigError(f"stages.contract.options.{name}: got {value}, wanted more than 0")
        return cls(**{"workers": workers, **options})

    @property
    def enumerated_max(self) -> int:
        """Cases of the phases `examples` and `coverage`, per operation."""
        return 2 * self.cases_per_operation

    @property
    def scenarios_max(self) -> int:
        """Sequences of requests in the phase `stateful`."""
        return max(5, self.cases_per_operation)

    @property
    def refused_max(self) -> int:
        """Cases that a role sends to an operation that it may not call."""
        return max(3, self.cases_per_operation // 10)
