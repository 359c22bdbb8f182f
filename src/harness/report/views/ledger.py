"""All rows of the ledger, by section, each with its state and the reason."""

from __future__ import annotations

from dataclasses import dataclass

from harness.ledger.states import WORST_FIRST
from harness.model.ledger import PartResult, Requirement, RowResult, RowState
from harness.report.model import ReportInput
from harness.report.text import line, visible

_WORDS = {
    RowState.PROVED: ("proved", "✓", "pass"),
    RowState.REFUTED: ("refuted", "✕", "fail"),
    RowState.UNKNOWN: ("unknown", "?", "unknown"),
    RowState.AWAITING_CREDENTIALS: ("awaiting credentials", "◔", "await"),
    RowState.NOT_VERIFIABLE: ("not verifiable", "–", "skipped"),
}
SHOWN_ORDER = (
    RowState.PROVED,
    RowState.AWAITING_CREDENTIALS,
    RowState.NOT_VERIFIABLE,
    RowState.UNKNOWN,
    RowState.REFUTED,
)


@dataclass(frozen=True)
class StateWord:
    """A state in words: `key` names the filter and the colour."""

    key: str
    word: str
    symbol: str
    tone: str


@dataclass(frozen=True)
class PartRow:
    """One part of a row."""

    part: str
    text: str
    state: StateWord
    reason: str
    checks: tuple[str, ...]
    fault: str


@dataclass(frozen=True)
class LedgerRow:
    """One row."""

    row: str
    claim: str
    state: StateWord
    reason: str
    parts: tuple[PartRow, ...]


@dataclass(frozen=True)
class Share:
    """How many rows are in a state, and the stretch of a bar that they fill, in percent."""

    state: StateWord
    count: int
    x: float
    width: float


@dataclass(frozen=True)
class LedgerSection:
    """One section of the Phase 4 document."""

    section: str
    title: str
    rows: tuple[LedgerRow, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True)
class LedgerView:
    """The whole ledger."""

    total: int
    shares: tuple[Share, ...]
    sections: tuple[LedgerSection, ...]
    unknown_parts: tuple[str, ...]


def state_word(state: RowState) -> StateWord:
    """A state in words."""
    word, symbol, tone = _WORDS[state]
    return StateWord(state.value.lower().replace("_", "-"), word, symbol, tone)


def ledger_view(data: ReportInput) -> LedgerView:
    """Every row of the ledger; one that the run says nothing of is unknown."""
    results = {result.row: result for result in data.ledger.rows}
    rows = [(requirement, results.get(requirement.id)) for requirement in data.requirements]
    sections: dict[str, list[tuple[Requirement, RowResult | None]]] = {}
    for requirement, result in rows:
        sections.setdefault(requirement.section, []).append((requirement, result))
    return LedgerView(
        total=len(rows),
        shares=_shares([_state(result) for _, result in rows]),
        sections=tuple(_section(name, entries) for name, entries in sections.items()),
        unknown_parts=tuple(line(part, 80) for part in data.ledger.unknown_parts[:20]),
    )


def ledger_counts(data: ReportInput) -> tuple[tuple[str, int], ...]:
    """Words of the states with the number of rows in each, the best first, without the empty ones."""
    return tuple((share.state.word, share.count) for share in ledger_view(data).shares if share.count)


def _state(result: RowResult | None) -> RowState:
    return result.state if result else RowState.UNKNOWN


def _section(name: str, entries: list[tuple[Requirement, RowResult | None]]) -> LedgerSection:
    title = entries[0][0].section_title
    rows = tuple(_row(requirement, result) for requirement, result in entries)
    return LedgerSection(visible(name), line(title, 120), rows, _shares([_state(result) for _, result in entries]))


def _row(requirement: Requirement, result: RowResult | None) -> LedgerRow:
    by_part = {part.part: part for part in result.parts} if result else {}
    texts = {part.id: part.text for part in requirement.parts}
    if requirement.live:
        texts[f"{requirement.id}.live"] = requirement.live
    return LedgerRow(
        row=visible(requirement.id),
        claim=line(requirement.claim, 500),
        state=state_word(_state(result)),
        reason=line(result.reason, 400) if result else "the run says nothing of it",
        parts=tuple(_part(part, text, by_part.get(part)) for part, text in texts.items()),
    )


def _part(part: str, text: str, result: PartResult | None) -> PartRow:
    return PartRow(
        part=part,
        text=line(text, 300),
        state=state_word(result.state if result else RowState.UNKNOWN),
        reason=line(result.reason, 300) if result else "",
        checks=tuple(line(check, 160) for check in result.checks[:5]) if result else (),
        fault=line(result.fault, 60) if result else "",
    )


def _shares(states: list[RowState]) -> tuple[Share, ...]:
    found, start = [], 0
    for state in SHOWN_ORDER:
        count = states.count(state)
        whole = max(len(states), 1)
        found.append(Share(state_word(state), count, round(100.0 * start / whole, 2), round(100.0 * count / whole, 2)))
        start += count
    return tuple(found)


assert set(SHOWN_ORDER) == set(WORST_FIRST)  # every state has its place
