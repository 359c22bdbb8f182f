"""The words of a statement, as PostgreSQL's own scanner tells them apart (manual, section 4.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

SHAPE_CHARACTERS_MAX = 1_000


class TokenKind(StrEnum):
    """What a token is. `BROKEN` is a quote or comment that never ends, with all that follows."""

    STRING = "string"
    IDENTIFIER = "identifier"  # in double quotes
    WORD = "word"
    NUMBER = "number"
    PARAMETER = "parameter"
    COMMENT = "comment"
    SYMBOL = "symbol"
    BROKEN = "broken"


@dataclass(frozen=True)
class Token:
    """One token: its text as written."""

    kind: TokenKind
    text: str


_DOLLAR = re.compile(r"\$(?:[A-Za-z_\u0080-\uffff][\w]*)?\$")
_PATTERNS: tuple[tuple[TokenKind, re.Pattern[str]], ...] = (
    (TokenKind.COMMENT, re.compile(r"--[^\n]*")),
    (TokenKind.STRING, re.compile(r"[eE]'(?:[^'\\]|\\.|'')*'", re.S)),
    (TokenKind.STRING, re.compile(r"(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'", re.S)),
    (TokenKind.IDENTIFIER, re.compile(r'(?:[uU]&)?"(?:[^"]|"")*"', re.S)),
    (TokenKind.BROKEN, re.compile(r"(?:[eEbBxXnN]|[uU]&)?['\"].*", re.S)),
    (TokenKind.PARAMETER, re.compile(r"\$\d+")),
    (TokenKind.WORD, re.compile(r"[A-Za-z_\u0080-\U0010ffff][\w$]*")),
    (TokenKind.NUMBER, re.compile(r"(?:0[xX][\da-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")),
)
_SPACE = re.compile(r"\s+")
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@lru_cache(maxsize=4096)
def tokens(sql: str) -> tuple[Token, ...]:
    """The tokens of a text, without the space between them."""
    found: list[Token] = []
    position = 0
    while position < len(sql):
        space = _SPACE.match(sql, position)
        if space:
            position = space.end()
            continue
        token = _next(sql, position)
        found.append(token)
        position += len(token.text)
    return tuple(found)


def _next(sql: str, position: int) -> Token:
    if sql.startswith("/*", position):
        return _block_comment(sql, position)
    if (opened := _DOLLAR.match(sql, position)) is not None:
        end = sql.find(opened.group(), opened.end())
        text = sql[position:] if end < 0 else sql[position : end + len(opened.group())]
        return Token(TokenKind.BROKEN if end < 0 else TokenKind.STRING, text)
    for kind, pattern in _PATTERNS:
        if (found := pattern.match(sql, position)) is not None:
            return Token(kind, found.group())
    return Token(TokenKind.SYMBOL, sql[position])


def _block_comment(sql: str, position: int) -> Token:
    """Comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return Token(TokenKind.COMMENT, sql[position : edge.end()])
    return Token(TokenKind.BROKEN, sql[position:])


def split(sql: str) -> tuple[str, ...]:
    """The statements of a text that may hold several, each without its semicolon; none for an empty text."""
    parts: list[list[str]] = [[]]
    for token in tokens(sql):
        if token.text == ";":
            parts.append([])
        elif token.kind is not TokenKind.COMMENT:
            parts[-1].append(token.text)
    whole = [part for part in parts if part]
    return (sql.strip(),) if len(whole) == 1 else tuple(" ".join(part) for part in whole)


def verb(sql: str) -> str:
    """The first word in capitals (`SELECT`, `BEGIN`), "" where there is none."""
    return next((token.text.upper() for token in tokens(sql) if token.kind is TokenKind.WORD), "")


def words(sql: str) -> tuple[str, ...]:
    """The bare words in capitals."""
    return tuple(token.text.upper() for token in tokens(sql) if token.kind is TokenKind.WORD)


@lru_cache(maxsize=4096)
def shape(sql: str) -> str:
    """A statement with every value replaced by `?`, without comments, on one line: what two runs of one query share."""
    parts: list[str] = []
    for token in tokens(sql):
        if token.kind is TokenKind.COMMENT:
            continue
        is_value = token.kind in (TokenKind.STRING, TokenKind.NUMBER, TokenKind.PARAMETER)
        parts.append("?" if is_value else token.text)
    text = re.sub(r" ?([.,()\[\]]) ?", r"\1", " ".join(parts)).replace(",", ", ")
    text = re.sub(r": : ?", "::", text)
    text = re.sub(r"\?(?:, \?)+", "?, …", text)
    return text if len(text) <= SHAPE_CHARACTERS_MAX else text[: SHAPE_CHARACTERS_MAX - 1] + "…"
