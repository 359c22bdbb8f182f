"""A place where an operator plants its defect, and the edits that do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness.faults.operators.source import Source, Sources
from harness.model.fault import Edit


@dataclass(frozen=True)
class Change:
    """`new` in place of the characters from `start` to `end` of one file."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Site:
    """One place. `name` is stable while the code around it is; `where` is for people: file and line, and what stands there."""

    name: str
    where: str
    edits: tuple[Edit, ...]


class Operator(Protocol):
    """One kind of defect. It is a frozen dataclass whose fields are what `faults/operators.toml` says of it."""

    name: ClassVar[str]

    def sites(self, sources: Sources) -> Iterator[Site]:
        """Every place of the source that it would change, in the order of the files."""


def site(source: Source, name: str, changes: Iterable[Change], *, more: tuple[Edit, ...] = ()) -> Site:
    """A site of one file (and of the files of `more`), named `module.name`."""
    listed = sorted(changes, key=lambda change: change.start)
    at = max(listed, key=lambda change: change.start).start
    shown = " ".join(source.text[at : listed[-1].end].split())[:60]
    where = f"{source.path}:{source.line(at)}" + (f" `{shown}`" if shown else "")
    return Site(f"{source.module}.{name}" if name else source.module, where, (*edits(source, listed), *more))


def numbered(sites: Iterable[Site]) -> Iterator[Site]:
    """The sites with `.2`, `.3`, … behind a name that was there before."""
    seen: dict[str, int] = {}
    for item in sites:
        seen[item.name] = seen.get(item.name, 0) + 1
        yield item if seen[item.name] == 1 else Site(f"{item.name}.{seen[item.name]}", item.where, item.edits)


def edits(source: Source, changes: Iterable[Change]) -> tuple[Edit, ...]:
    """Edits of whole lines, with so much around each change that its text stands in the file once; the last place first."""
    groups: list[tuple[int, int, list[Change]]] = []
    for change in sorted(changes, key=lambda item: item.start):
        start, end = _unique(source.text, change.start, change.end)
        if groups and start < groups[-1][1]:
            before = groups.pop()
            start, end = _unique(source.text, min(start, before[0]), max(end, before[1]))
            groups.append((start, end, [*before[2], change]))
        else:
            groups.append((start, end, [change]))
    return tuple(_edit(source, *group) for group in reversed(groups))


def _edit(source: Source, start: int, end: int, changes: list[Change]) -> Edit:
    new, at = "", start
    for change in changes:
        new += source.text[at : change.start] + change.new
        at = change.end
    return Edit(source.path, new + source.text[at:end], old=source.text[start:end])


def _unique(text: str, start: int, end: int) -> tuple[int, int]:
    """The smallest run of whole lines around a span that stands in the text once."""
    start = text.rfind("\n", 0, start) + 1
    end = _line_end(text, end)
    while text.count(text[start:end]) != 1 and (start > 0 or end < len(text)):
        start = text.rfind("\n", 0, max(start - 1, 0)) + 1
        if text.count(text[start:end]) != 1:
            end = _line_end(text, end + 1)
    return start, end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", min(at, len(text)))
    return len(text) if end < 0 else end
