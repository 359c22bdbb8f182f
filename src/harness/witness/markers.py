"""The text that shows where a value became part of a statement."""

from __future__ import annotations

from dataclasses import dataclass

from harness.witness.sql import TokenKind, tokens

_PLAIN = (TokenKind.STRING, TokenKind.IDENTIFIER, TokenKind.COMMENT)


@dataclass(frozen=True)
class Marker:
    """A text that no value resembles: two words with everything between them that could end a literal or a comment."""

    number: int
    run: str

    @property
    def first(self) -> str:
        """The word before the quotes."""
        return f"zq{self.run}{self.number:04d}a"

    @property
    def last(self) -> str:
        """The word after the quotes: it belongs to the same literal as the first one."""
        return f"zq{self.run}{self.number:04d}b"

    def texts(self, like: str, length_max: int) -> tuple[str, ...]:
        """The marker as sent in place of a value; in the form of an address where the value was one.

        First what leaves a quote open, then what two quotes divide: it reaches the server by a driver that counts them, too.
        Where there is no room for that, a bare word, which shows itself where names stand (`ORDER BY`).
        """
        whole = f"{self.first}'\"*/{self.last}--"
        short, divided = f"{self.first}'{self.last}", f"{self.first}'||'{self.last}"
        if "@" in like:
            return f"{short}@example.test", f"{divided}@example.test"
        if like.startswith(("http:", "https:")):
            return f"https://example.test/{short}", f"https://example.test/{divided}"
        first = whole if len(whole) <= length_max else short[:length_max]
        second = divided if len(divided) <= length_max else self.first
        return (first, second) if len(second) <= length_max else (first,)


def stands(text: str, marker: Marker) -> str:
    """How the marker stands in a statement's text: "" not at all, "escaped" inside one literal, else where it got out."""
    lowered = [(token.kind, token.text.lower()) for token in tokens(text)]
    hits = [(kind, word) for kind, word in lowered if marker.first in word or marker.last in word]
    for kind, word in hits:
        if kind not in _PLAIN:
            return "outside of any literal" if kind is not TokenKind.BROKEN else "after a quote that it left open"
        if marker.first not in word:
            return "in two pieces: its quote ended the literal"
    return "escaped" if hits else ""
