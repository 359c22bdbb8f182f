"""The summary for a pull request: at most 60 lines, and nothing in it that the target could make run, link or ping.

Text of the target stands in code spans only: there, no host renders links, pictures, mentions or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.model.verdict import Verdict
from harness.report.model import ReportInput
from harness.report.text import line, number, plural
from harness.report.views.first import LookAt, Tile, Unverified, facts, headline, look_at, tile, unverified
from harness.report.views.ledger import ledger_counts

LINES_MAX = 60
LOOK_AT_MAX = 5
UNVERIFIED_MAX = 8
GATES_MAX = 20

_EMOJI = {"pass": "✅", "fail": "❌", "unknown": "❔", "skipped": "➖"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~$-])")


def render(data: ReportInput) -> str:
    """The summary as GitHub-flavoured Markdown, at most `LINES_MAX` lines."""
    blocks = [_head(data), _gates(data), _look_at(look_at(data)), _unverified(unverified(data)), _foot(data)]
    lines = [entry for block in map(list, blocks) if block for entry in (*block, "")]
    return "\n".join(lines[:LINES_MAX]).rstrip() + "\n"


def code(text: str, characters_max: int = 160) -> str:
    """Any text as a code span on one line, safe in a table too; `` for nothing."""
    flat = line(text, characters_max).replace("|", "¦")  # a pipe ends a table's cell even in code
    if not flat:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def plain(text: str, characters_max: int = 200) -> str:
    """Words of ours as they read, every mark of Markdown escaped."""
    return _SPECIAL.sub(r"\\\1", line(text, characters_max))


def _head(data: ReportInput) -> Iterator[str]:
    head = headline(data)
    yield f"## {_EMOJI[head.tone]} {plain(head.answer)} ({head.verdict})"
    yield ""
    if head.asks:
        yield f"*{plain(head.asks)}* {code(head.reason, 300)}"
    else:
        yield code(head.reason, 300)
    for caveat in head.caveats:
        yield f"**{plain(caveat)}**"
    yield ""
    told = (*facts(data), ("Run", data.manifest.id))
    yield " · ".join(f"{plain(name)} {code(value, 60)}" for name, value in told)


def _gates(data: ReportInput) -> Iterator[str]:
    tiles = [tile(gate) for gate in data.verdict.gates]
    if not tiles:
        return
    yield "| gate | | measured | limit | |"
    yield "|---|---|---|---|---|"
    for entry in tiles[:GATES_MAX]:
        yield _gate(entry)
    if len(tiles) > GATES_MAX:
        yield f"| {plural(len(tiles) - GATES_MAX, 'gate')} more | | | | |"


def _gate(entry: Tile) -> str:
    verdict = entry.verdict if entry.required else f"{entry.verdict} (not required)"
    said = entry.name if entry.measured and entry.verdict == Verdict.PASS else entry.reason
    cells = (
        plain(entry.gate),
        f"{_EMOJI[entry.tone]} {verdict}",
        plain(entry.measured),
        plain(entry.limit),
        code(said, 110),
    )
    return f"| {' | '.join(cells)} |"


def _look_at(items: tuple[LookAt, ...]) -> Iterator[str]:
    if not items:
        return
    yield "### Look at this first"
    for number_, item in enumerate(items[:LOOK_AT_MAX], start=1):
        step = f" → {code(item.next_step)}" if item.next_step else ""
        yield f"{number_}. **{plain(item.title)}** {code(item.text)}{step}"
    if len(items) > LOOK_AT_MAX:
        yield f"… and {len(items) - LOOK_AT_MAX} more in the report."


def _unverified(items: tuple[Unverified, ...]) -> Iterator[str]:
    if not items:
        return
    yield f"### Could not be verified: {len(items)}"
    for item in items[:UNVERIFIED_MAX]:
        yield f"- **{plain(item.name)}** {code(item.reason)}"
    if len(items) > UNVERIFIED_MAX:
        yield f"- … and {len(items) - UNVERIFIED_MAX} more in the report"


def _foot(data: ReportInput) -> Iterator[str]:
    if data.findings:
        counts: dict[str, int] = {}
        for finding in sorted(data.findings, key=lambda finding: finding.severity.rank):
            counts[finding.severity] = counts.get(finding.severity, 0) + 1
        yield f"Findings: {', '.join(f'{number(count)} {severity}' for severity, count in counts.items())}."
    counts_of_rows = ledger_counts(data)
    if counts_of_rows:
        yield f"Ledger: {', '.join(f'{count} {word}' for word, count in counts_of_rows)}."
    yield "The whole report is `report/index.html` of the run folder; it opens from disk."
