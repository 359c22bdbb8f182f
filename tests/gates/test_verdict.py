"""The merge rule, in full: the verdict law is small enough to test every case."""

from __future__ import annotations

import pytest

from harness.model.verdict import Verdict, merge

P, F, U, S = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.SKIPPED


@pytest.mark.parametrize(
    ("verdicts", "merged"),
    [
        ((), U),
        ((P,), P),
        ((P, P), P),
        ((U,), U),
        ((P, U), U),
        ((F,), F),
        ((P, F), F),
        ((U, F), F),
        ((F, U, P, S), F),
        ((S,), U),
        ((P, S), U),
    ],
)
def test_fail_outranks_unknown_outranks_pass_and_nothing_is_unknown(verdicts: tuple[Verdict, ...], merged: Verdict) -> None:
    assert merge(verdicts) is merged
