"""Operator `text`: what a pattern finds in the texts of the code (statements, policies) is replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Source, Sources


@dataclass(frozen=True)
class ReplacedText:
    """Each match of `pattern` in a text of `files` becomes `replacement`, in which `\\1` is the match's first group.

    With `named`, a site is called after what was found as well: for a constant that has several.
    """

    name: ClassVar[str] = "text"
    files: tuple[str, ...]
    pattern: str
    replacement: str = ""
    named: bool = False

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per match, named after the constant or function that holds the text."""
        yield from numbered(
            site(
                source,
                self._name(source, start, match[0]),
                [Change(start, start + len(match[0]), match.expand(self.replacement))],
            )
            for source in sources.files(self.files)
            for start, match in matches(source, self.pattern)
        )

    def _name(self, source: Source, start: int, found: str) -> str:
        owner = source.owner(start)
        return f"{owner}.{slug(found)}" if self.named else owner


def slug(text: str) -> str:
    """A text of the code as part of a name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-")[:40]


def matches(source: Source, pattern: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Every match in a text of the code, docstrings apart, with its offset in the file."""
    for start, end in _texts(source):
        for match in re.finditer(pattern, source.text[start:end]):
            yield start + match.start(), match


def _texts(source: Source) -> Iterator[tuple[int, int]]:
    documentation = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    front: list[ast.AST] = [source.tree]
    while front:  # ends: a tree has finitely many nodes, each is entered once
        node = front.pop(0)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            if id(node) not in documentation:
                yield source.span(node)
            continue
        front = [*ast.iter_child_nodes(node), *front]
