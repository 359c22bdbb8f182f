"""Operator `splice`: a bound parameter is written into the statement's text instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.operators.site import Change, Site, edits, numbered, site
from harness.faults.operators.source import Source, Sources
from harness.faults.operators.strings import matches
from harness.model.errors import ConfigError
from harness.model.fault import Edit

_HELPER = """

def _with_values_written_in(statement, params):
    for name, value in dict(params).items():
        text = "\\\\x" + value.hex() if isinstance(value, bytes) else str(value)
        written = "NULL" if value is None else "'" + text.replace("%", "%%") + "'"
        statement = statement.replace(f"~{name}~", written)
    return statement
"""


@dataclass(frozen=True)
class SplicedParameter:
    """Each named parameter (`pattern`, whose first group is the name) in the statements of `files`.

    The calls `….execute(statement, params)` of `executors` write the marked value between quotes before they send it, as code
    does that builds its statements from input.
    """

    name: ClassVar[str] = "splice"
    files: tuple[str, ...]
    executors: tuple[str, ...]
    pattern: str = r"%\((\w+)\)s"

    def sites(self, sources: Sources) -> Iterator[Site]:
        """One site per parameter of each statement, named after both."""
        writing = tuple(edit for source in sources.files(self.executors) for edit in _writing(source))
        if not writing:
            raise ConfigError(f"splice: {', '.join(self.executors)} have no call .execute(statement, params)")
        for source in sources.files(self.files):
            yield from numbered(
                site(source, _name(source, start, match), [Change(start, start + len(match[0]), f"~{match[1]}~")], more=writing)
                for start, match in matches(source, self.pattern)
            )


def _name(source: Source, start: int, match: re.Match[str]) -> str:
    return f"{source.owner(start)}.{match[1]}"


def _writing(source: Source) -> tuple[Edit, ...]:
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and _executes(node)]
    changes = [
        Change(*source.span(call.args[0]), f"_with_values_written_in({source.code(call.args[0])}, {source.code(call.args[1])})")
        for call in calls
    ]
    return (*edits(source, changes), Edit(source.path, _HELPER)) if changes else ()


def _executes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "execute" and len(call.args) == 2
