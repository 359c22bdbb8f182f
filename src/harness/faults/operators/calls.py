"""Operators on calls: `keyword` weakens an argument, `statement` leaves the call out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Source, Sources


@dataclass(frozen=True)
class KeywordValue:
    """Each keyword argument that `instead` names, in calls of what `function` is found in, gets the value given there."""

    name: ClassVar[str] = "keyword"
    files: tuple[str, ...]
    function: str
    instead: dict[str, str]

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per argument, named after the function that it stands in and the keyword."""
        for source in sources.files(self.files):
            yield from numbered(
                site(
                    source,
                    _name(source, call, str(keyword.arg)),
                    [Change(*source.span(keyword.value), self.instead[keyword.arg])],
                )
                for call in _calls(source, self.function)
                for keyword in call.keywords
                if keyword.arg in self.instead and source.code(keyword.value) != self.instead[keyword.arg]
            )


@dataclass(frozen=True)
class DroppedCall:
    """Each statement that only calls something (awaited or not) and in whose text `pattern` is found is left out."""

    name: ClassVar[str] = "statement"
    files: tuple[str, ...]
    pattern: str

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per statement, named after the function that it stands in."""
        for source in sources.files(self.files):
            statements = [node for node in ast.walk(source.tree) if isinstance(node, ast.Expr) and _is_call(node.value)]
            yield from numbered(
                site(source, source.owner(source.span(node)[0]), [Change(*source.span(node), "pass")])
                for node in sorted(statements, key=lambda node: node.lineno)
                if re.search(self.pattern, source.code(node))
            )


def _is_call(node: ast.expr) -> bool:
    return isinstance(node.value if isinstance(node, ast.Await) else node, ast.Call)


def _calls(source: Source, function: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and re.search(function, source.code(node.func))]
    return sorted(calls, key=lambda call: source.span(call))


def _name(source: Source, call: ast.Call, last: str = "") -> str:
    return ".".join(part for part in (source.owner(source.span(call)[0]), last) if part)
