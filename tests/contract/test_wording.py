"""What a finding of the contract says beside what was seen: why it matters, in the lists that reviewers use."""

from __future__ import annotations

import re

import pytest

from harness.engines.contract.deviations import Rule
from harness.engines.contract.wording import MEANINGS

UNLISTED = {Rule.AFTER_CREATE, Rule.OTHER}  # for the reasons that stand at them


def test_every_rule_says_what_it_means() -> None:
    assert set(MEANINGS) == set(Rule)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_finding_names_its_weakness_and_its_class(rule: Rule) -> None:
    meaning = MEANINGS[rule]
    assert meaning.cwe > 0
    assert re.fullmatch(r"API([1-9]|10):2023", meaning.owasp) or rule in UNLISTED
    assert meaning.why
    assert meaning.advice


def test_what_has_no_class_has_none() -> None:
    assert {rule for rule in Rule if not MEANINGS[rule].owasp} == UNLISTED
