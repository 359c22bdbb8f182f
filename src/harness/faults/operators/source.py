"""A file of the platform's source as operators see it: its text, its syntax tree, and which name stands where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.model.errors import ConfigError

_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """One file. `path` is relative to the project; `module` is its dotted place below the source's folder: `leads.queries`."""

    path: str
    text: str
    module: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        try:
            return ast.parse(self.text, filename=self.path)
        except SyntaxError as error:
            raise ConfigError(f"{self.path}: not Python: {error}") from error

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> tuple[int, int]:
        """Where a node starts and ends in the text, in characters."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def code(self, node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> str:
        """A node as it is written."""
        start, end = self.span(node)
        return self.text[start:end]

    def line(self, offset: int) -> int:
        """The number of the line that an offset lies in."""
        return self.text.count("\n", 0, offset) + 1

    def owner(self, offset: int) -> str:
        """The name that an offset belongs to: the function, the method with its class, or what the module assigns there."""
        names = [name for name, start, end in self._names if start <= offset < end]
        return ".".join(names)

    @cached_property
    def after_imports(self) -> int:
        """The offset behind the last import of the module."""
        imports = [node for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        return self.span(imports[-1])[1] if imports else 0

    @cached_property
    def _names(self) -> list[tuple[str, int, int]]:
        return [(name, self._start(node), self.span(node)[1]) for name, node in _names(self.tree)]

    def _start(self, node: ast.stmt) -> int:
        """Decorators belong to what they decorate."""
        decorators = node.decorator_list if isinstance(node, _Named) else []
        return min([self.span(node)[0], *(self.span(decorator)[0] for decorator in decorators)])

    def _offset(self, line: int, column: int) -> int:
        """Python counts columns in bytes of UTF-8."""
        before = self._lines[line - 1].encode()[:column].decode()
        return self._line_starts[line - 1] + len(before)


def _names(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Named):
            yield node.name, node
            yield from _names(node)
        elif isinstance(node, ast.Assign) and isinstance(tree, ast.Module | ast.ClassDef):
            yield ast.unparse(node.targets[0]), node
        elif isinstance(node, ast.AnnAssign) and isinstance(tree, ast.Module | ast.ClassDef):
            yield ast.unparse(node.target), node


@dataclass(frozen=True)
class Sources:
    """The source of a platform: the project's folder, and the folder in it that the platform's code is in."""

    root: Path
    folder: str

    def files(self, patterns: tuple[str, ...]) -> tuple[Source, ...]:
        """The files that match any of these globs, relative to the source's folder; by path.

        Raises:
            ConfigError: a glob matches nothing, so that a rule would silently find no place any more.
        """
        found: set[Path] = set()
        for pattern in patterns:
            matched = {path for path in (self.root / self.folder).glob(pattern) if path.is_file()}
            if not matched:
                raise ConfigError(f"{self.folder}: no file matches {pattern}", hint="the code has moved; say where it is now")
            found |= matched
        return tuple(self._read(path) for path in sorted(found))

    def _read(self, path: Path) -> Source:
        inside = path.relative_to(self.root / self.folder).with_suffix("")
        return Source(path.relative_to(self.root).as_posix(), path.read_text(encoding="utf-8"), ".".join(inside.parts))
