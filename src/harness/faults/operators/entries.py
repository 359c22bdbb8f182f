"""Operator `entry`: an entry of a table of the code is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Source, Sources


@dataclass(frozen=True)
class DroppedEntry:
    """Each entry of a dict display in `files` whose key is a text in which `key` is found."""

    name: ClassVar[str] = "entry"
    files: tuple[str, ...]
    key: str

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per entry, named after its key."""
        for source in sources.files(self.files):
            yield from numbered(
                site(source, name, [Change(start, _end(source, value), "")])
                for name, start, value in _entries(source)
                if re.search(self.key, name)
            )


def _entries(source: Source) -> Iterator[tuple[str, int, ast.expr]]:
    """The key of each entry, where it starts, and its value."""
    tables = sorted((node for node in ast.walk(source.tree) if isinstance(node, ast.Dict)), key=lambda node: node.lineno)
    for table in tables:
        for key, value in zip(table.keys, table.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, source.span(key)[0], value


def _end(source: Source, value: ast.expr) -> int:
    """Behind the value and its comma."""
    end = source.span(value)[1]
    comma = re.match(r"\s*,", source.text[end:])
    return end + comma.end() if comma else end
