"""Reads `ledger/phase4.toml`: every row with its parts, strictly, so that no row is ever lost in silence."""

from __future__ import annotations

import string
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.config.decode import decode, nearest
from harness.model.errors import ConfigError
from harness.model.ledger import Part, Requirement

ROWS = 149
"""The number of items of the Phase 4 document."""
LIVE = "live"
"""Ends the name of what only a real outside account can settle: a check that runs against it names `6.1.1.live`."""


@dataclass(frozen=True)
class _Item:
    claim: str
    proof: tuple[str, ...] = ()
    live: str = ""
    derived: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Section:
    title: str
    items: dict[str, _Item]


@dataclass(frozen=True)
class _File:
    section: dict[str, _Section]
    variables: tuple[str, ...] = ()


def load(path: Path, *, rows: int = ROWS) -> tuple[Requirement, ...]:
    """Every row of the ledger, in the file's order.

    Args:
        path: the ledger.
        rows: how many it must have.

    Raises:
        ConfigError: the file is not there or is not TOML, a key is unknown, an id is missing, a row has no claim or no proof,
            or a derived row names nothing that exists; the place is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="name the ledger as `defaults.ledger` in harness.toml") from error
    return parse(text, path.name, rows=rows)


def parse(text: str, where: str, *, rows: int = ROWS) -> tuple[Requirement, ...]:
    """The rows of a ledger's text; `where` is what errors call it. Arguments and errors as `load`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    file = decode(_File, data, where)
    problems = [problem for name, section in file.section.items() for problem in _section_problems(name, section)]
    _refuse(where, problems)
    requirements = tuple(row for name, section in file.section.items() for row in _rows(name, section))
    _refuse(where, [*_derivation_problems(requirements), *_count_problems(requirements, rows)])
    return requirements


def derived_rows(requirement: Requirement, requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """Ids of the rows that a derived row stands on: those that it names, and all rows of the sections that it names."""
    named = set(requirement.derived)
    return tuple(row.id for row in requirements if row.id in named or row.section in named)


def part_names(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """Everything that a check may name: the parts, and `<row>.live` where a row has something only an account can settle."""
    return tuple(name for row in requirements for name in _names(row))


def _names(row: Requirement) -> Iterator[str]:
    yield from (part.id for part in row.parts)
    if row.live:
        yield f"{row.id}.{LIVE}"


def _rows(name: str, section: _Section) -> Iterator[Requirement]:
    for number, item in section.items.items():
        row = f"{name}.{number}"
        parts = tuple(Part(f"{row}.{letter}", text) for letter, text in zip(string.ascii_lowercase, item.proof, strict=False))
        yield Requirement(row, name, section.title, item.claim, parts, item.live, item.derived)


def _section_problems(name: str, section: _Section) -> Iterator[str]:
    wanted = [str(number) for number in range(1, max(len(section.items), 1) + 1)]
    if list(section.items) != wanted:
        yield f'section "{name}": its items are {", ".join(section.items) or "none"}, wanted {", ".join(wanted)}'
    for number, item in section.items.items():
        yield from (f"{name}.{number}: {problem}" for problem in _item_problems(item))


def _item_problems(item: _Item) -> Iterator[str]:
    if not item.claim.strip():
        yield "the claim is empty"
    if bool(item.proof) == bool(item.derived):
        yield "has both proof and derived, wanted one" if item.proof else "has neither proof nor derived"
    if item.live and item.derived:
        yield "a derived row has no live part of its own"
    if len(item.proof) > len(string.ascii_lowercase):
        yield f"has {len(item.proof)} parts, at most {len(string.ascii_lowercase)} have a letter"
    if not all(text.strip() for text in item.proof):
        yield "a part of the proof is empty"
    yield from (f"the part {text!r} is there twice" for text, times in Counter(item.proof).items() if times > 1)


def _derivation_problems(requirements: tuple[Requirement, ...]) -> Iterator[str]:
    valid = [*dict.fromkeys(row.section for row in requirements), *(row.id for row in requirements)]
    by_id = {row.id: row for row in requirements}
    for row in requirements:
        for name in row.derived:
            if name not in valid:
                yield f'{row.id}: derived from "{name}", which is no row and no section; {nearest(name, valid)}'
        if row.derived and _reaches_itself(row, by_id):
            yield f"{row.id}: is derived from itself"


def _reaches_itself(start: Requirement, by_id: Mapping[str, Requirement]) -> bool:
    seen: set[str] = set()
    front = list(derived_rows(start, by_id.values()))
    while front:  # ends: each row is entered once
        row = front.pop()
        if row not in seen:
            seen.add(row)
            front.extend(derived_rows(by_id[row], by_id.values()))
    return start.id in seen


def _count_problems(requirements: tuple[Requirement, ...], rows: int) -> Iterator[str]:
    if len(requirements) != rows:
        yield f"it has {len(requirements)} rows, wanted {rows}"


def _refuse(where: str, problems: Iterable[str]) -> None:
    lines = [f"{where}: {problem}" for problem in problems]
    if lines:
        raise ConfigError("\n".join(lines), hint="the ids are stable: a row may be reworded, never removed or renumbered")
