"""Operator `route`: what a route asks for before it lets anybody in is replaced by something that asks less."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, numbered, site
from harness.faults.operators.source import Source, Sources

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class RouteDependency:
    """Each parameter of a route whose annotation is a key of `instead` gets the value for its annotation.

    `decorator` says which functions are routes; `prelude` is put behind the imports of the module and defines what the
    new annotations need.
    """

    name: ClassVar[str] = "route"
    files: tuple[str, ...]
    instead: dict[str, str]
    prelude: str = ""
    decorator: str = r"router\.(get|post|put|patch|delete)$"

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per parameter, named after the route's function."""
        for source in sources.files(self.files):
            yield from numbered(
                site(source, function.name, self._changes(source, annotation))
                for function in ast.walk(source.tree)
                if isinstance(function, _Function) and self._is_route(function)
                for annotation in self._annotations(source, function)
            )

    def _is_route(self, function: _Function) -> bool:
        calls = [decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
        return any(re.search(self.decorator, ast.unparse(call)) for call in calls)

    def _annotations(self, source: Source, function: _Function) -> Iterator[ast.expr]:
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.annotation is not None and source.code(argument.annotation) in self.instead:
                yield argument.annotation

    def _changes(self, source: Source, annotation: ast.expr) -> Iterator[Change]:
        if self.prelude:
            yield Change(source.after_imports, source.after_imports, "\n\n" + self.prelude.strip() + "\n")
        yield Change(*source.span(annotation), self.instead[source.code(annotation)])
