"""The budget of the contract stage, as its options say."""

from __future__ import annotations

import pytest

from harness.engines.contract.budget import Budget
from harness.model.errors import ConfigError


def test_options_replace_what_is_usual_and_nothing_else() -> None:
    assert Budget.of({}, workers=1) == Budget(workers=1)
    assert Budget.of({"cases_per_operation": 50, "workers": 3}, workers=1) == Budget(cases_per_operation=50, workers=3)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"cases_per_operations": 5}, "cases_per_operations: unknown"), ({"seconds": 0}, "seconds: got 0, wanted more than 0")],
)
def test_an_option_that_means_nothing_is_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Budget.of(options, workers=1)
