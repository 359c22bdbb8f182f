"""Errors of one shape: a client that can read one refusal can read every other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.probes.http.answers import Answer

OF_THE_SERVER = (413, 414, 431)
"""Refusals that come from the server before the platform has the request."""
PAGE, TEXT = frozenset({"<page>"}), frozenset({"<text>"})
_NAMED_MAX = 4
RULE = "robustness.error-shape"


@dataclass(frozen=True)
class _Sample:
    operation: str
    what: str
    status: int


@dataclass
class ErrorShapes:
    """The shapes that refusals came in, each with the operations that gave it and what it was first seen for."""

    _first: dict[frozenset[str], _Sample] = field(default_factory=dict)
    _operations: dict[frozenset[str], Counter[str]] = field(default_factory=dict)

    def look(self, operation: str, what: str, answer: Answer) -> None:
        """Takes an answer into account where it is the platform's own refusal, and says something."""
        if not 400 <= answer.status < 500 or answer.status in OF_THE_SERVER or not answer.content.strip() or answer.truncated:
            return
        shape = _shape(answer)
        self._first.setdefault(shape, _Sample(operation, what, answer.status))
        self._operations.setdefault(shape, Counter())[operation] += 1

    @property
    def observation(self) -> str:
        """What is to be said of refusals that have no member in common with those of most operations; "" where none is such.

        It is no finding: only a document that promises a shape makes another one a defect, and the stage `contract` sees that.
        """
        if len(self._first) < 2:
            return ""
        usual = max(self._first, key=lambda shape: (len(self._places(self._related(shape))), self._operations[shape].total()))
        strays = [shape for shape in self._first if shape not in self._related(usual)]
        if not strays:
            return ""
        sample = self._first[strays[0]]
        also = [name for name in self._places(strays) if name != sample.operation]
        return (
            f"Refusals differ in shape, so that a client that reads one fails on another: most are {_words(usual)}; "
            f"{sample.operation}, sent {sample.what}, answered {sample.status} with {_words(strays[0])}"
            f"{f'; so it is with {_listed(also)}' if also else ''}"
        )

    def _related(self, usual: frozenset[str]) -> list[frozenset[str]]:
        """Every shape that has a member in common with this one: an optional member makes no other shape."""
        return [shape for shape in self._first if shape & usual]

    def _places(self, shapes: list[frozenset[str]]) -> list[str]:
        return list(dict.fromkeys(name for shape in shapes for name in self._operations[shape]))


def _shape(answer: Answer) -> frozenset[str]:
    """The names of a JSON object's members, or what else it is."""
    if isinstance(answer.json, Mapping):
        return frozenset(str(name) for name in answer.json)
    return PAGE if answer.is_html else TEXT


def _words(shape: frozenset[str]) -> str:
    if shape == PAGE:
        return "a page"
    return "plain text" if shape == TEXT else f"an object of {', '.join(sorted(shape)[:_NAMED_MAX])}"


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
