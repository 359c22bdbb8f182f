"""From the lines of the log to statements: each execution once, with its parameters, its plan and the fate of its transaction.

With the extended protocol one execution gives up to four lines (parse, bind, execute, plan); with the simple one the plans come
first and one line may hold several statements. Drivers mix both: the words of a transaction often come by the simple protocol.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass, field

from harness.witness.log import Line
from harness.witness.plans import PlanError, QueryPlan, Write, read_plan
from harness.witness.sql import shape, split, verb, words

_DURATION = re.compile(r"duration: ([\d.]+) ms(?:  (\w+)(?: (fetch from))?(?: ([^\n:]*))?: ?(.*))?\Z", re.S)
_PLAN = "plan"
_PARAMETER = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")
_WRITING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY"})
_PLANNED = frozenset({"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE"})
_NAME = r"(?:\"[^\"]+\"|[\w$]+)"
_TABLE = re.compile(rf"\b(?:INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY)\s+({_NAME}(?:\.{_NAME})?)", re.I)
_RECENT_MAX = 8


@dataclass(eq=False)
class Statement:
    """One execution of one statement. It is finished by lines that come later, until its session is idle again.

    `transaction` is the same for what was done in one transaction; `committed` is None while that is not over.
    `plans` are its own and those of what it called (functions, triggers).
    """

    session: str
    started: float  # UTC, seconds; the server's clock in whole milliseconds
    ended: float
    text: str
    query_id: int
    transaction: str
    parameters: tuple[str | None, ...] = ()
    plans: list[QueryPlan] = field(default_factory=list)
    committed: bool | None = None
    error: str = ""
    code: str = ""  # SQLSTATE

    @property
    def verb(self) -> str:
        """`SELECT`, `INSERT`, `BEGIN`: its first word."""
        return verb(self.text)

    @property
    def shape(self) -> str:
        """The statement without its values; of an `EXECUTE`, what was prepared."""
        return shape(self.plans[-1].text if self.verb == "EXECUTE" and self.plans else self.text)

    @property
    def plan(self) -> QueryPlan | None:
        """Its own plan, where one was recorded."""
        own = self.text.strip()
        return next((plan for plan in self.plans if plan.text.strip() == own), self.plans[-1] if self.plans else None)

    def awaits(self, plan: QueryPlan) -> bool:
        """Whether the plan is its own, and it has none yet."""
        own = self.text.strip()
        return plan.text.strip() == own and not any(known.text.strip() == own for known in self.plans)

    @property
    def rows(self) -> float:
        """Rows that went to the client; 0 where no plan was recorded."""
        return self.plan.rows if self.plan else 0.0

    @property
    def is_transaction_word(self) -> bool:
        """Whether it only begins or ends a transaction, or sets something of the session."""
        return self.verb in _TRANSACTION_WORDS

    @property
    def writes(self) -> tuple[Write, ...]:
        """The tables that it wrote to, as its plans say; as its text says where there is none (COPY, TRUNCATE)."""
        if self.error:
            return ()
        if self.plans:
            return tuple(write for plan in self.plans for write in plan.writes if write.rows)
        if self.verb in _WRITING or (self.verb == "WITH" and _WRITING & set(words(self.text))):
            reads = self.verb == "COPY" and not re.search(r"\bFROM\s+STDIN\b|\bFROM\s+'", self.text, re.I)
            return () if reads else tuple(Write(_bare(name), self.verb, 1) for name in _TABLE.findall(self.text))
        return ()


_TRANSACTION_WORDS = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW", "DISCARD"}
    | {"DEALLOCATE", "PREPARE", "LISTEN", "UNLISTEN", "NOTIFY"}
)


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


@dataclass
class _Block:
    """A transaction that was begun by a word."""

    number: int
    statements: list[Statement] = field(default_factory=list)
    savepoints: list[tuple[str, int]] = field(default_factory=list)
    failed: bool = False


@dataclass
class _Session:
    pending: list[QueryPlan] = field(default_factory=list)  # came before the line of their statement
    recent: list[Statement] = field(default_factory=list)  # may still get their plan
    transaction: str = ""  # of the pending plans
    block: _Block | None = None


class Assembler:
    """Makes statements of lines, session by session."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._numbers = itertools.count(1)
        self.broken_plans = 0

    def feed(self, lines: list[Line]) -> list[Statement]:
        """The statements that these lines begin; lines may also finish statements that were given before."""
        return [statement for line in lines for statement in self._take(line)]

    def _take(self, line: Line) -> list[Statement]:
        session = self._sessions.setdefault(line.session, _Session())
        if line.severity in ("ERROR", "FATAL", "PANIC"):
            return self._failed(session, line)
        found = _DURATION.match(line.message)
        if found is None or found[2] is None:
            return []
        duration_ms, kind, fetch, _, text = found.groups()
        if kind == _PLAN:
            self._planned(session, line, text)
        elif kind == "statement":
            return self._simple(session, line, float(duration_ms), text)
        elif kind == "execute" and not fetch:
            made = self._made(session, line, float(duration_ms), text)
            made.parameters = _parameters(line.detail)
            made.plans, session.pending = session.pending, []
            return [made]
        return []

    def _simple(self, session: _Session, line: Line, duration_ms: float, text: str) -> list[Statement]:
        parts = split(text)
        plans, session.pending = session.pending, []
        if len(parts) == 1:
            made = self._made(session, line, duration_ms, text)
            made.plans = plans
            return [made]
        own = [plan for plan in plans if plan.text.strip() == text.strip()]
        statements = []
        for part in parts:
            made = self._made(session, line, duration_ms, part)
            made.plans = [own.pop(0)] if own and made.verb in _PLANNED else []
            statements.append(made)
        if statements:
            statements[-1].plans += [plan for plan in plans if plan.text.strip() != text.strip()]
        return statements

    def _planned(self, session: _Session, line: Line, text: str) -> None:
        try:
            plan = read_plan(text)
        except PlanError:
            self.broken_plans += 1
            return
        transaction = f"{line.session}:{line.transaction}" if line.transaction else ""
        for statement in reversed(session.recent):
            if statement.awaits(plan):
                statement.plans.append(plan)
                statement.transaction = statement.transaction or transaction
                return
        session.pending.append(plan)
        session.transaction = transaction

    def _made(self, session: _Session, line: Line, duration_ms: float, text: str) -> Statement:
        transaction = f"{line.session}:{line.transaction}" if line.transaction else session.transaction
        session.transaction = ""
        made = Statement(line.session, line.at - duration_ms / 1000, line.at, text, line.query_id, transaction)
        self._settle(session, made)
        session.recent = [*session.recent[-_RECENT_MAX:], made]
        return made

    def _failed(self, session: _Session, line: Line) -> list[Statement]:
        """A statement that failed takes with it what its transaction did before."""
        session.pending = []
        if session.block is not None:
            session.block.failed = True
        for statement in session.recent:
            if line.transaction and statement.transaction == f"{line.session}:{line.transaction}":
                statement.committed = False
        if not line.statement:
            return []
        made = Statement(line.session, line.at, line.at, line.statement, line.query_id, "", committed=False)
        made.error, made.code = line.message, line.code
        return [made]

    # -- transactions

    def _settle(self, session: _Session, made: Statement) -> None:
        block = session.block
        word = made.verb
        if word == "BEGIN" or made.text.strip().upper().startswith("START TRANSACTION"):
            session.block = block or _Block(next(self._numbers))
        elif block is None:
            made.committed = True
        elif word in ("COMMIT", "END"):
            self._over(session, block, committed=not block.failed)
        elif word in ("ROLLBACK", "ABORT"):
            self._back(session, block, made.text)
        else:
            made.transaction = f"{made.session}#{block.number}"
            block.statements.append(made)
            if word == "SAVEPOINT":
                block.savepoints.append((made.text.split()[-1], len(block.statements)))

    def _over(self, session: _Session, block: _Block, *, committed: bool) -> None:
        for statement in block.statements:
            if statement.committed is None:
                statement.committed = committed
        session.block = None

    def _back(self, session: _Session, block: _Block, text: str) -> None:
        named = [part for part in text.replace(";", " ").split() if part.upper() not in ("ROLLBACK", "TO", "SAVEPOINT", "WORK")]
        if "TO" not in text.upper().split():
            self._over(session, block, committed=False)
            return
        block.failed = False
        with contextlib.suppress(StopIteration):
            since = next(count for name, count in reversed(block.savepoints) if named and name == named[0])
            for statement in block.statements[since:]:
                statement.committed = False


def _parameters(detail: str) -> tuple[str | None, ...]:
    """`Parameters: $1 = 'it''s', $2 = NULL`."""
    if not detail.lower().startswith("parameters:"):
        return ()
    return tuple(None if text == "NULL" else text[1:-1].replace("''", "'") for text in _PARAMETER.findall(detail))
