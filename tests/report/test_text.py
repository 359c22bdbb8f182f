"""Words and numbers as people read them, and hidden characters made visible."""

from __future__ import annotations

import pytest

from harness.report.text import (
    amount,
    cut,
    duration,
    line,
    moment,
    number,
    percent,
    plural,
    ranges,
    seconds_between,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ÄÖ é 漢字", "plain ÄÖ é 漢字"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31m", "⟨U+001B⟩[31m"),
        ("a\rb", "a⟨U+000D⟩b"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("\x00", "⟨U+0000⟩"),
        ("soft\u00adhyphen", "soft⟨U+00AD⟩hyphen"),
        ("\u2028", "⟨U+2028⟩"),
        ("😀", "😀"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text: str, shown: str):
    assert visible(text) == shown


def test_a_text_that_fits_is_whole_and_a_longer_one_says_what_is_missing():
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc… (1 more characters)"
    assert cut("x" * 5_003, 3) == "xxx… (5,000 more characters)"


def test_a_line_has_no_breaks_and_an_end():
    assert line("a\n  b\tc", 10) == "a b c"
    assert line("abcdef", 6) == "abcdef"
    assert line("abcdefg", 6) == "abcde…"
    assert line("a" + " " * 100 + "b", 6) == "a…"  # what was not looked at is never silently dropped


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.1, "0.1"), (1.0, "1"), (1.234, "1.23"), (12.34, "12.3"), (182.4, "182"), (12345, "12,345")]
)
def test_numbers(value: float, shown: str):
    assert number(value) == shown


def test_amounts_say_when_nothing_was_measured():
    assert amount(182.0, "ms") == "182 ms"
    assert amount(None, "ms") == "not measured"


def test_a_share_is_rounded_down_so_that_almost_all_is_not_all():
    assert percent(9_999, 10_000) == "99.9 %"
    assert percent(10_000, 10_000) == "100 %"
    assert percent(0, 0) == "–"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.34, "0.3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
    ],
)
def test_durations(seconds: float, shown: str):
    assert duration(seconds) == shown


def test_times_are_utc_and_what_is_no_time_stays_as_it_is():
    assert moment("2026-11-24T14:06:21.000Z") == "24 Nov 2026, 14:06 UTC"
    assert moment("yesterday\x1b") == "yesterday⟨U+001B⟩"


def test_seconds_between_two_times_are_known_or_none():
    assert seconds_between("2026-11-24T14:00:00Z", "2026-11-24T14:00:01.5Z") == 1.5
    assert seconds_between("2026-11-24T14:00:01Z", "2026-11-24T14:00:00Z") == 0
    assert seconds_between("2026-11-24T14:00:00Z", "") is None
    assert seconds_between("2026-11-24T14:00:00Z", "2026-11-24T14:00:00") is None  # one knows its zone, the other does not


def test_plurals_and_ranges():
    assert plural(1, "gate") == "1 gate"
    assert plural(2, "success", "successes") == "2 successes"
    assert ranges((1, 2, 3, 7, 9, 10), 2) == "1–3, 7 … 1 more"
    assert ranges((), 5) == ""
