"""CSV that a spreadsheet opens without running anything, and that reads back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpe.infra.csvtext import csv_lines


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_a_text_that_would_be_a_formula_is_made_a_text(start: str) -> None:
    line = csv_lines([[f"{start}HYPERLINK(1)"]])
    assert next(csv.reader(io.StringIO(line, newline=""))) == [f"'{start}HYPERLINK(1)"]


def test_numbers_and_nothing_stay_what_they_are() -> None:
    assert csv_lines([[-5, None, 7, "a=b"]]) == "-5,,7,a=b\r\n"


def test_commas_quotes_and_lines_are_quoted() -> None:
    assert csv_lines([['a "b", c', "two\r\nlines"]]) == '"a ""b"", c","two\r\nlines"\r\n'


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2)))
def test_every_text_reads_back_but_for_its_apostrophe(rows: list[list[str]]) -> None:
    back = list(csv.reader(io.StringIO(csv_lines(rows), newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in back] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
