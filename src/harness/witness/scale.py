"""What grows with the data: statements per row (N+1), rows per request (unbounded lists), and rows read for few (no index).

Each read is watched twice: on the data as it was seeded, and after the tables were grown by SQL, both to production size over all
owners and for this very user. What did not grow in between is no defect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from harness.model.evidence import TableSize
from harness.model.finding import Confidence, Severity
from harness.model.weakness import Place, Weakness
from harness.probes.http.paging import is_page_size
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Scene
from harness.witness.growth import PRODUCTION_ROWS, ROWS_MIN, Table, count, grow, in_family_order, read_table
from harness.witness.indexes import examine_plans
from harness.witness.report import OracleReport
from harness.witness.statements import Statement
from harness.witness.survey import Sight, see
from harness.witness.watcher import Watched, Watcher
from harness.witness.wording import Said, finding_of, noticed

N_PLUS_ONE, UNBOUNDED, INDEX = "n-plus-one", "unbounded-list", "missing-index"
OWN_ROWS = 1_000  # more than any sensible page holds
ASKED_FOR = 1_000_000
_SHARE = 0.8  # of the growth that must show: some rows may be filtered
_ROWS_TOLD_MIN = 3
_REPEATED_MIN = 5
_N_PLUS_ONE = Weakness(
    f"database.{N_PLUS_ONE}",
    Severity.MEDIUM,
    1073,
    "API4:2023",
    "The number of statements does not depend on the number of rows that are shown.",
    "A page of a hundred rows asks the database a hundred times more: it gets slower with every row, and so does everybody else.",
    "Join the table, or fetch all of them by one statement (`WHERE id = ANY (…)`).",
)
_UNBOUNDED = Weakness(
    f"database.{UNBOUNDED}",
    Severity.MEDIUM,
    770,
    "API4:2023",
    "A list is read in pages: the statement has a LIMIT that the caller cannot lift.",
    "One request of a user with much data takes the platform's memory and the database's time.",
    "Put a LIMIT into the statement, with a bound of your own above whatever the caller asks for.",
)


@dataclass(frozen=True)
class Listing:
    """The longest array of objects in an answer, and the ids of its members."""

    length: int
    ids: tuple[Any, ...] = ()


def listing(data: Any) -> Listing:
    """The longest array anywhere in an answer."""
    longest = max(_arrays(data, 0), key=len, default=[])
    ids = [item.get("id", item.get("_id", item.get("uuid"))) for item in longest if isinstance(item, dict)]
    return Listing(len(longest), tuple(each for each in ids if isinstance(each, int | str)))


def _arrays(node: Any, depth: int) -> Iterator[list[Any]]:
    if depth > 6:
        return
    if isinstance(node, list):
        yield node
    for child in node.values() if isinstance(node, dict) else node[:1] if isinstance(node, list) else ():
        yield from _arrays(child, depth + 1)


@dataclass
class Scaling:
    """Grows the data under a running target and compares what was seen before with what is seen then."""

    scene: Scene
    watcher: Watcher
    sights: list[Sight]
    reports: Callable[[str, str], OracleReport]
    say: Callable[[str], None]
    sizes: list[TableSize] = field(default_factory=list)
    _tables: dict[str, Table] = field(default_factory=dict)
    _grown_own: dict[str, int] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Small pages first, then growth, then the same requests again."""
        seen = [sight for sight in self.sights if sight.operation.is_safe and sight.watched is not None]
        self._pages(seen)
        if not self._grow():
            return
        lists = self.reports(UNBOUNDED, "reads")
        self._examine_plans(seen)
        for sight in seen:
            self._grow_own(sight, lists)
        self._measure()
        for sight in seen:
            watched = sight.watched
            if watched is None:
                continue
            again = self.watcher.exchange(watched.request, None if sight.asker.role else self.scene.anonymous)
            if again.overlap or not again.answer.is_success:
                lists.untried[sight.operation.name] = again.overlap or f"answered {again.answer.status} when the data had grown"
                continue
            self._compare(sight, watched, again, lists)
            self._lift_limit(sight, watched, lists)
        self.say("compared two sizes")

    def _examine_plans(self, seen: list[Sight]) -> None:
        """At production size, and before one user has more than the others: reads as they were sent, and new writes."""
        report = self.reports(INDEX, "statements")
        for sight in seen:
            if sight.watched is not None:
                again = self.watcher.exchange(sight.watched.request, None if sight.asker.role else self.scene.anonymous)
                examine_plans(self.watcher, sight, again, report)
        for sight in (sight for sight in self.sights if not sight.operation.is_safe and sight.watched is not None):
            written = see(self.scene, self.watcher, sight.operation, sight.asker)
            if written.watched is not None:
                examine_plans(self.watcher, written, written.watched, report)

    # -- small pages

    def _pages(self, seen: list[Sight]) -> None:
        """The same list with few rows and with many, where it takes a limit; else what repeats as often as there are rows."""
        report = self.reports(N_PLUS_ONE, "lists")
        for sight in seen:
            watched = sight.watched
            if watched is None or listing(watched.answer.json).length < _ROWS_TOLD_MIN:
                continue
            report.tried += 1
            fewer = self._fewer(sight, watched)
            if fewer is not None:
                self._repeated(sight, fewer, watched, report, "asked for fewer rows")
            else:
                self._in_one(sight, watched, report)

    def _fewer(self, sight: Sight, watched: Watched) -> Watched | None:
        name = _limit_of(sight.operation)
        if not name:
            return None
        again = self._with_limit(sight, watched, name, 2)
        fewer = listing(again.answer.json).length
        usable = (
            again.answer.is_success and not again.overlap and 0 < fewer <= listing(watched.answer.json).length - _ROWS_TOLD_MIN
        )
        return again if usable else None

    def _with_limit(self, sight: Sight, watched: Watched, name: str, rows: int, needed: Collection[str] | None = None) -> Watched:
        """The same request for so many rows; with nothing else in its query but what is `needed`, where that is given."""
        path, _, query = watched.request.path.partition("?")
        given = [(pair.partition("=")[0], pair) for pair in query.split("&") if pair]
        kept = [pair for key, pair in given if key != name and (needed is None or key in needed)]
        request = replace(watched.request, path=f"{path}?{'&'.join([*kept, f'{name}={rows}'])}")
        return self.watcher.exchange(request, None if sight.asker.role else self.scene.anonymous)

    def _repeated(self, sight: Sight, few: Watched, many: Watched, report: OracleReport, how: str) -> None:
        rows = listing(many.answer.json).length - listing(few.answer.json).length
        before, after = _counts(few), _counts(many)
        for shape, times in after.items():
            more = times - before.get(shape, 0)
            if rows >= _ROWS_TOLD_MIN and times >= _ROWS_TOLD_MIN and more >= _SHARE * rows:
                counts = (
                    f"{listing(few.answer.json).length} rows: {before.get(shape, 0)} times",
                    f"{listing(many.answer.json).length} rows: {times} times",
                )
                self._say_repeated(sight, many, report, shape, (*counts, how), Confidence.HIGH)

    def _in_one(self, sight: Sight, watched: Watched, report: OracleReport) -> None:
        rows = listing(watched.answer.json).length
        for shape, times in _counts(watched).items():
            values = {statement.parameters or statement.text for statement in watched.queries if statement.shape == shape}
            if rows >= _REPEATED_MIN and rows - 1 <= times <= rows + 1 and len(values) > times / 2:
                counts = (f"{rows} rows: {times} times with {len(values)} different values",)
                self._say_repeated(sight, watched, report, shape, counts, Confidence.MEDIUM)

    def _say_repeated(
        self, sight: Sight, watched: Watched, report: OracleReport, shape: str, counts: tuple[str, ...], sure: Confidence
    ) -> None:
        if any(finding.operation == sight.operation.name and finding.role == sight.asker.role for finding in report.findings):
            return
        title = f"{sight.operation.name} asks the database once for each row"
        observed = f"The same statement ran again for every row that it shows: {', '.join(counts)}."
        said = Said(title, observed, (f"statement: {shape}", *counts), (watched.request,), sure, watched.answer.status)
        report.findings.append(finding_of(_N_PLUS_ONE, Place(sight.operation.name, "", sight.asker.role), said))

    # -- growth

    def _grow(self) -> bool:
        """Tables to production size, parents first; False where there is none to grow."""
        report = self.reports(UNBOUNDED, "reads")
        for name in self._growing():
            self._before[name] = count(self.watcher.connection, self._table(name))
        names = {self._table(name).name: name for name in self._before}
        for table in in_family_order([self._table(name) for name in self._before]):
            rows = max(PRODUCTION_ROWS - self._before[names[table.name]], 0)
            parents = frozenset(column for column, (parent, _) in table.parents.items() if parent in names)
            self._try_to_grow(names[table.name], rows, report, spread=parents)
        self._analyze()
        self.say("grew the tables")
        return bool(self._before)

    def _analyze(self) -> None:
        for name in self._before:
            self.watcher.connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(self._table(name).name)))
        self.watcher.catch_up()

    def _measure(self) -> None:
        self._analyze()
        for name, rows in self._before.items():
            self.sizes.append(TableSize(name, rows, count(self.watcher.connection, self._table(name))))

    def _growing(self) -> list[str]:
        """Tables that hold data of users: read or written by what was watched, and not small unless they are added to."""
        sizes: Counter[str] = Counter()
        added: set[str] = set()
        for statement in (s for sight in self.sights if sight.watched for s in sight.watched.queries):
            for plan in statement.plans:
                sizes.update(scan.table for scan in plan.scans)
                added |= {write.table for write in plan.writes if write.verb == "INSERT" and write.rows}
        skipped = self.scene.world.target.bookkeeping
        wanted = [name for name in (*sizes, *sorted(added)) if name not in skipped]
        connection = self.watcher.connection
        kept = []
        for name in dict.fromkeys(wanted):
            if not name.startswith("pg_") and (name in added or count(connection, self._table(name)) >= ROWS_MIN):
                kept.append(name)
        return [name for name in kept if count(connection, self._table(name))]

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            self._tables[name] = read_table(self.watcher.connection, name)
        return self._tables[name]

    def _try_to_grow(
        self,
        name: str,
        rows: int,
        report: OracleReport,
        *,
        like: tuple[str, tuple[Any, ...]] | None = None,
        spread: frozenset[str] = frozenset(),
        after: int = 0,
    ) -> int:
        try:
            return grow(self.watcher.connection, self._table(name), rows, like=like, spread=spread, after=after)
        except psycopg.Error as error:
            report.untried[name] = f"it could not be grown: {str(error).strip().splitlines()[0]}"
            return 0

    def _grow_own(self, sight: Sight, report: OracleReport) -> None:
        """More rows like those that this answer showed, found by their ids among the tables that it read."""
        shown = listing(sight.watched.answer.json if sight.watched else None)
        if not shown.ids or sight.watched is None:
            return
        scanned = Counter(scan.table for s in sight.watched.queries for plan in s.plans for scan in plan.scans if scan.rows)
        for name in scanned:
            table = self._table(name)
            if len(table.key) == 1 and self._holds(table, shown.ids) and self._grown_own.get(name, 0) < OWN_ROWS:
                like = (table.key[0], shown.ids)
                self._grown_own[name] = self._grow_like(name, like, report)

    def _grow_like(self, name: str, like: tuple[str, tuple[Any, ...]], report: OracleReport) -> int:
        """A constraint may refuse many (one primary of each): then more are asked for."""
        grown = asked = 0
        for times in (1, 2, 4):
            grown += self._try_to_grow(name, times * OWN_ROWS, report, like=like, after=asked)
            asked += times * OWN_ROWS
            if grown >= OWN_ROWS * _SHARE:
                break
        return grown

    def _holds(self, table: Table, ids: tuple[Any, ...]) -> bool:
        statement = sql.SQL("SELECT count(*) FROM {} WHERE {}::text = ANY (%s)").format(
            sql.SQL(table.name),
            sql.Identifier(table.key[0]),
        )
        row = self.watcher.connection.execute(statement, [[str(each) for each in ids]]).fetchone()
        return row is not None and row[0] >= len(set(ids))

    # -- two sizes

    def _compare(self, sight: Sight, before: Watched, after: Watched, report: OracleReport) -> None:
        grown = {shape: self._growth_of(statement) for statement in after.queries if (shape := statement.shape)}
        if not any(grown.values()):
            return
        report.tried += 1
        self._repeated(sight, before, after, self.reports(N_PLUS_ONE, "lists"), "before and after the data grew")
        rows_before = _rows(before)
        for shape, rows in _rows(after).items():
            if grown[shape] and rows - rows_before.get(shape, 0) >= _SHARE * grown[shape]:
                self._say_unbounded(sight, before, after, shape, grown[shape], report)
                return

    def _lift_limit(self, sight: Sight, before: Watched, report: OracleReport) -> None:
        """The whole list, asked for more rows than there are: a page may be large, but not as large as the caller likes."""
        name = _limit_of(sight.operation)
        if not name or any(finding.operation == sight.operation.name for finding in report.findings):
            return
        needed = [parameter.name for parameter in sight.operation.placed("query") if parameter.required]
        after = self._with_limit(sight, before, name, ASKED_FOR, needed)
        if after.overlap or not after.answer.is_success:
            return
        grown = {statement.shape: self._growth_of(statement) for statement in after.queries}
        for shape, rows in _rows(after).items():
            if grown[shape] and rows > OWN_ROWS and rows - _rows(before).get(shape, 0) >= _SHARE * grown[shape]:
                self._say_unbounded(sight, before, after, shape, grown[shape], report, name)
                return

    def _growth_of(self, statement: Statement) -> int:
        """By how many rows of the user's own the data of a statement grew; 0 where that was too few to tell a page from all."""
        tables = {scan.table for plan in statement.plans for scan in plan.scans}
        grown = min((rows for table in tables if (rows := self._grown_own.get(table, 0))), default=0)
        return grown if grown >= OWN_ROWS * _SHARE else 0

    def _say_unbounded(
        self, sight: Sight, before: Watched, after: Watched, shape: str, grown: int, report: OracleReport, limit: str = ""
    ) -> None:
        rows = (_rows(before).get(shape, 0), _rows(after)[shape])
        sent = (len(before.answer.content), len(after.answer.content))
        if after.answer.content and not after.answer.is_json:
            text = f"{sight.operation.name} reads {rows[1]:.0f} rows at once: an export as {after.answer.media_type}"
            report.observations.append(noticed(f"database.{UNBOUNDED}", text, sight.operation.name))
            return
        title = f"{sight.operation.name} reads all rows at once"
        asked = f" and {limit}={ASKED_FOR}" if limit else ""
        observed = (
            f"With {grown} rows more of this user{asked} the statement gave {rows[1]:.0f} rows instead of {rows[0]:.0f}, "
            f"and the answer {sent[1]:,} bytes instead of {sent[0]:,}."
        )
        proof = (f"statement: {shape}", f"rows: {rows[0]:.0f}, then {rows[1]:.0f}", f"bytes: {sent[0]}, then {sent[1]}")
        said = Said(title, observed, proof, (after.request,), Confidence.HIGH, after.answer.status)
        report.findings.append(finding_of(_UNBOUNDED, Place(sight.operation.name, limit, sight.asker.role), said))


def _limit_of(operation: Operation) -> str:
    """The parameter that says how many rows are wanted, "" where there is none."""
    return next((parameter.name for parameter in operation.placed("query") if is_page_size(parameter.name)), "")


def _counts(watched: Watched) -> Counter[str]:
    return Counter(statement.shape for statement in watched.queries if not statement.writes)


def _rows(watched: Watched) -> dict[str, float]:
    """Rows that each shape gave to the target, over all its executions."""
    found: dict[str, float] = {}
    for statement in watched.queries:
        found[statement.shape] = found.get(statement.shape, 0) + statement.rows
    return found
