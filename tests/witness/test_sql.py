"""The words of a statement are told apart as PostgreSQL does, and a marker that got out of its literal is seen."""

from __future__ import annotations

import pytest

from harness.witness.markers import Marker, stands
from harness.witness.sql import TokenKind, shape, split, tokens, verb

MARKER = Marker(7, "ab")
SENT, DIVIDED = MARKER.texts("", 1_000)


def kinds(sql: str) -> list[TokenKind]:
    return [token.kind for token in tokens(sql)]


@pytest.mark.parametrize(
    "literal",
    ["'it''s'", r"E'it\'s'", r"'C:\'", "$$it's$$", "$x$ $$ 'a' $x$", "U&'d\\0061t'", "''", "b'101'", "'a\nb'"],
)
def test_a_literal_is_one_token_whatever_its_quotes(literal: str) -> None:
    assert kinds(f"SELECT {literal}") == [TokenKind.WORD, TokenKind.STRING]


def test_names_comments_numbers_and_parameters_are_told_apart() -> None:
    assert kinds('a "b""c" $1 1.5e3 -- x\n/* y /* z */ */ +') == [
        TokenKind.WORD,
        TokenKind.IDENTIFIER,
        TokenKind.PARAMETER,
        TokenKind.NUMBER,
        TokenKind.COMMENT,
        TokenKind.COMMENT,
        TokenKind.SYMBOL,
    ]


@pytest.mark.parametrize("text", ["SELECT 'open", 'SELECT "open', "SELECT /* open", "SELECT $a$ open $b$"])
def test_what_never_ends_is_broken(text: str) -> None:
    assert kinds(text)[-1] is TokenKind.BROKEN


def test_a_shape_has_no_values_and_a_list_of_any_length_is_one() -> None:
    assert shape("SELECT a FROM t  WHERE b = 'x' AND c IN (1, 2,3) -- why\n LIMIT 5") == shape(
        "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3) LIMIT $4"
    )
    assert shape("SELECT 1 FROM a") != shape("SELECT 1 FROM b")


def test_several_statements_of_one_text_are_counted_apart() -> None:
    assert split("BEGIN; INSERT INTO t VALUES (';'); COMMIT;") == ("BEGIN", "INSERT INTO t VALUES ( ';' )", "COMMIT")
    assert split(" ; -- nothing\n") == ()
    assert [verb(part) for part in split("/* a */ select 1")] == ["SELECT"]


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT 1 FROM t WHERE a = '{SENT}'",  # its quote ends the literal
        f"SELECT 1 FROM t WHERE a = {SENT}",  # no quotes at all
        f"SELECT 1 FROM t ORDER BY {SENT} DESC",
        f'SELECT "{SENT}" FROM t',  # its double quote ends the name
        f"SELECT 1 /* {SENT} */ FROM t",  # its star and slash end the comment
        "SELECT 1 FROM t WHERE a = E'" + SENT.replace("'", "\\'").replace("\\'", "\\\\'") + "'",  # escaped twice: not at all
        "SELECT 1 FROM t WHERE a = '" + SENT.replace("'", "\\'") + "'",  # the escape of another database
        f"SELECT 1 FROM t WHERE a ILIKE '%{DIVIDED}%'",
        f"SELECT 1 FROM t ORDER BY {DIVIDED} DESC",
        f"SELECT 1 FROM t ORDER BY {MARKER.first} DESC",
    ],
)
def test_a_marker_that_got_out_is_seen(statement: str) -> None:
    assert stands(statement, MARKER) not in ("", "escaped")


@pytest.mark.parametrize(
    ("statement", "how"),
    [
        ("SELECT 1 FROM t WHERE a = $1", ""),
        ("SELECT 1 FROM t WHERE a = '" + SENT.replace("'", "''") + "'", "escaped"),
        ("SELECT 1 FROM t WHERE a = E'%" + SENT.replace("'", "\\'") + "%'", "escaped"),
        (f"SELECT 1 FROM t WHERE a = $q${SENT}$q$", "escaped"),
        ("SELECT 1 FROM t WHERE a = '" + DIVIDED.replace("'", "''") + "'", "escaped"),
        ("SELECT 1 FROM t WHERE a = E'" + DIVIDED.replace("'", "\\'") + "'", "escaped"),
        ('SELECT "' + SENT.replace('"', '""') + '" FROM t', "escaped"),
        (f"SELECT 1 FROM t WHERE a = '{MARKER.first}'", "escaped"),  # what is left of it after everything odd was taken away
        (f"SELECT 1 FROM t WHERE a = '{SENT.upper()}'".replace("'" + '"', "''" + '"'), "escaped"),
    ],
)
def test_a_bound_or_correctly_escaped_marker_is_quiet(statement: str, how: str) -> None:
    assert stands(statement, MARKER) == how


def test_a_marker_takes_the_form_of_the_value_and_keeps_to_its_length() -> None:
    assert MARKER.texts("a@example.test", 100)[0].endswith("@example.test")
    assert MARKER.texts("https://example.test", 100)[0].startswith("https://")
    assert [len(text) for text in MARKER.texts("", 12)] == [12, len(MARKER.first)]
    assert [len(text) for text in MARKER.texts("", 4)] == [4]


@pytest.mark.parametrize("like", ["", "a@example.test", "https://example.test"])
def test_the_second_text_of_a_marker_leaves_no_quote_open(like: str) -> None:
    assert MARKER.texts(like, 1_000)[1].count("'") == 2
