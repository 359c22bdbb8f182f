"""Operator `guard`: a condition that refuses is never true any more."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Source, Sources


@dataclass(frozen=True)
class DroppedGuard:
    """Each `if` without `else` that ends in `raise X`, where `raises` is found in X; `unless` is found in tests to leave alone.

    A test for None is left alone by default: what follows could not do without the value, so that the defect would be a crash.
    """

    name: ClassVar[str] = "guard"
    files: tuple[str, ...]
    raises: str
    unless: str = r"is None$"

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per condition, named after its function and what it raises."""
        for source in sources.files(self.files):
            found = [node for node in ast.walk(source.tree) if isinstance(node, ast.If) and self._is_guard(node)]
            yield from numbered(
                site(source, _name(source, node), [Change(*source.span(node.test), "False")])
                for node in sorted(found, key=lambda node: node.lineno)
            )

    def _is_guard(self, node: ast.If) -> bool:
        last = node.body[-1]
        if node.orelse or not isinstance(last, ast.Raise) or last.exc is None:
            return False
        test = ast.unparse(node.test)
        return bool(re.search(self.raises, _raised(last.exc))) and not (self.unless and re.search(self.unless, test))


def _name(source: Source, node: ast.If) -> str:
    last = node.body[-1]
    assert isinstance(last, ast.Raise)
    assert last.exc is not None
    return f"{source.owner(source.span(node)[0])}.{_raised(last.exc)}"


def _raised(raised: ast.expr) -> str:
    return ast.unparse(raised.func if isinstance(raised, ast.Call) else raised)
