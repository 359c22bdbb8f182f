"""The ledger is read strictly: nothing that is wrong in it is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.ledger.rows import ROWS, derived_rows, load, parse, part_names
from harness.model.errors import ConfigError

LEDGER = Path(__file__).parents[2] / "ledger" / "phase4.toml"

GOOD = """
[section."1.1"]
title = "One"
[section."1.1".items.1]
claim = "a"
proof = ["first", "second"]
live = "the account"
[section."1.1".items.2]
claim = "b"
proof = ["third"]
[section.must]
title = "Must"
[section.must.items.1]
claim = "c"
derived = ["1.1"]
[section.must.items.2]
claim = "d"
derived = ["1.1.2"]
"""


def test_the_committed_ledger_has_all_rows_of_the_phase_4_document():
    rows = load(LEDGER)
    assert len(rows) == ROWS == 149
    assert len({row.id for row in rows}) == 149
    assert rows[0].id == "1.1.1"
    assert rows[-1].id == "done.5"
    assert rows[0].section_title == "Environment configuration"


def test_parts_are_the_rows_id_and_a_letter_in_order():
    first, *_ = parse(GOOD, "ledger", rows=4)
    assert [(part.id, part.text) for part in first.parts] == [("1.1.1.a", "first"), ("1.1.1.b", "second")]


def test_a_check_may_name_the_parts_and_what_is_live():
    assert part_names(parse(GOOD, "ledger", rows=4)) == ("1.1.1.a", "1.1.1.b", "1.1.1.live", "1.1.2.a")


def test_a_derived_row_stands_on_all_rows_of_a_section_or_on_one():
    rows = parse(GOOD, "ledger", rows=4)
    assert derived_rows(rows[2], rows) == ("1.1.1", "1.1.2")
    assert derived_rows(rows[3], rows) == ("1.1.2",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('claim = "a"', 'claims = "a"'), 'did you mean "claim"'),
        (('claim = "a"', 'claim = " "'), "1.1.1: the claim is empty"),
        (('proof = ["third"]', ""), "1.1.2: has neither proof nor derived"),
        (('proof = ["third"]', 'proof = ["third"]\nderived = ["1.1.1"]'), "1.1.2: has both proof and derived"),
        (('proof = ["third"]', 'proof = ["x", "x"]'), "'x' is there twice"),
        (('proof = ["third"]', 'proof = [""]'), "a part of the proof is empty"),
        (('proof = ["third"]', "proof = 3"), "wanted an array"),
        (('[section."1.1".items.2]', '[section."1.1".items.3]'), "its items are 1, 3, wanted 1, 2"),
        (('derived = ["1.1.2"]', 'derived = ["1.2"]'), 'must.2: derived from "1.2", which is no row and no section'),
        (('derived = ["1.1.2"]', 'derived = ["must"]'), "must.2: is derived from itself"),
        (('derived = ["1.1"]', 'derived = ["1.1"]\nlive = "x"'), "a derived row has no live part"),
        (("[section.must]", "[section.must"), "not TOML"),
    ],
)
def test_what_is_wrong_is_named(change: tuple[str, str], says: str):
    assert change[0] in GOOD
    with pytest.raises(ConfigError, match="ledger") as caught:
        parse(GOOD.replace(*change), "ledger", rows=4)
    assert says in str(caught.value)


def test_a_lost_row_is_an_error():
    with pytest.raises(ConfigError, match="it has 4 rows, wanted 5"):
        parse(GOOD, "ledger", rows=5)


def test_a_ledger_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")
