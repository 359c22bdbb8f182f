"""Injection as it shows from outside, for targets whose database nobody watches: paired values that differ in one thing only.

A quote that fails while two quotes pass stands in a statement. A condition that is always true gives more than one that never is.
Each is sent twice before it is said. (Where the harness has the database, its statement record proves more, with less.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Observation, Severity, Symptom
from harness.model.weakness import Weakness
from harness.probes.checks import STAGE, Report
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import same_body
from harness.probes.injection.interpreters import Marks, examine_shown, interpreted
from harness.probes.injection.slots import Slot, numbers_of, slots_of
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.scene import Scene, Untestable

_SQL_ERROR = re.compile(
    r"SQL syntax|SQLSTATE|syntax error at or near|unterminated quoted string|sqlite3?\.|near \"[^\"]*\": syntax|ORA-\d{5}"
    r"|psycopg|pymysql|mysql_fetch|Unclosed quotation mark|SequelizeDatabaseError|QueryFailedError"
    r"|ActiveRecord::StatementInvalid",
    re.I,
)
_SQL = Weakness(
    "injection.sql",
    Severity.CRITICAL,
    89,
    "API8:2023",
    "A quote in a value is a character of the value.",
    "A caller reads and changes the whole database.",
    "Bind the value as a parameter of the statement; never put it into the text.",
)
_USERS_FILE = "../../../../../../../../etc/passwd"
_FILE = Weakness(
    "injection.path",
    Severity.HIGH,
    22,
    "API8:2023",
    "A value names a file of the platform's own folder, or none.",
    "A caller reads any file of the machine.",
    "Look the name up in a list; never join it to a path.",
)


def examine_injection(scene: Scene) -> Report:
    """Tries every place that takes a text or, in a read, a number; then reads the pages, for what was stored and is run there."""
    report, marks, shut = Report("injection"), Marks(scene.seed), dict[str, None]()
    apart = scene.destructive - scene.resets  # without the right code nobody's password is another one
    for operation in scene.document.operations:
        if operation.name in apart or (not operation.is_safe and not scene.world.target.allow.writes):
            continue
        try:
            asker = caller(scene, operation)
            good = next(valid_drafts(scene, operation, asker))
            for slot in numbers_of(scene, good, asker) if operation.is_safe else ():
                report.tried += 1
                report.findings += _in_place_of_a_number(slot)
            for slot in slots_of(scene, good, asker):
                if asker.role and slot.ask(slot.value).is_of_the_door:
                    shut[operation.name] = None
                else:
                    report.tried += 1
                report.findings += _in_statement_or_path(slot)
                report.findings += interpreted(slot, marks)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            if operation.parameters or operation.body is not None:
                report.leave_out(operation.name, error)
    if shut:
        text = f"nobody was let in to {', '.join(shut)}: only the door was tested there"
        report.observations.append(Observation("abuse.door-only", text, STAGE))
    report.parameters = report.tried
    examine_shown(scene, marks, report)
    return report


def _in_statement_or_path(slot: Slot) -> Iterator[Finding]:
    ask, name, operation = slot.ask, slot.name, slot.operation
    quote, twice = f"{slot.value}'", f"{slot.value}''"
    said = _quotes_differ(ask(quote), ask(twice))
    if said and _quotes_differ(ask(quote), ask(twice)):
        title = f"{operation.name} puts {name} into a statement"
        yield slot.finding(_SQL, title, said, quote, Symptom(server_error=True), Confidence.MEDIUM)
    elif operation.is_safe and (true := _conditions_differ(ask, slot.value)):
        title = f"{operation.name} runs what stands in {name} as a condition"
        observed = "A condition that always holds gives another answer than one that never does, twice in a row."
        yield slot.finding(_SQL, title, observed, true, Symptom(status=(200,)), Confidence.MEDIUM)
    elif operation.is_safe and (expression := _expression_runs(ask, slot.value)):
        title = f"{operation.name} puts {name} into a statement"
        observed = "An expression with a query of its own was carried out, and the same without its last bracket failed, twice."
        yield slot.finding(_SQL, title, observed, expression, Symptom(status=(200,)), Confidence.MEDIUM)
    if operation.is_safe and re.search(r"^root:.*:0:0:", ask(_USERS_FILE).text, re.M):
        title, symptom = f"{operation.name} reads the file that {name} names", Symptom(body_contains="root:")
        yield slot.finding(_FILE, title, "It showed the machine's list of users.", _USERS_FILE, symptom, Confidence.HIGH)


def _in_place_of_a_number(slot: Slot) -> Iterator[Finding]:
    """A query of its own that gives the number is taken for it, and the same without its last bracket fails, both twice."""
    whole, broken = f"(select {slot.value})", f"(select {slot.value}"
    for _ in range(2):
        taken = slot.ask(whole)
        if not taken.is_success or not same_body(taken, slot.ask(slot.value)) or slot.ask(broken).status < 500:
            return
    title = f"{slot.operation.name} puts {slot.name} into a statement"
    observed = "In place of a number a query that gives it was carried out, and the same without its last bracket failed, twice."
    yield slot.finding(_SQL, title, observed, whole, Symptom(status=(200,)), Confidence.MEDIUM)


def _expression_runs(ask: Callable[[str], Answer], value: str) -> str:
    """The expression that is carried out where no quotes stand around the value (`order by`); "" where none is."""
    for start in dict.fromkeys((value, "1")):
        whole, broken = f"{start},(select 1)", f"{start},(select 1"
        if all(ask(whole).is_success and ask(broken).status >= 500 for _ in range(2)):
            return whole
    return ""


def _quotes_differ(one: Answer, two: Answer) -> str:
    """What shows that a quote stands in a statement, "" where nothing does."""
    error = _SQL_ERROR.search(one.text) if one.status >= 400 else None
    if error and not _SQL_ERROR.search(two.text):
        return f"With one quote it was answered {one.status} with {error.group()!r}; with two {two.status}."
    if one.status >= 500 and 0 < two.status < 500:
        return f"With one quote it was answered {one.status}, with two {two.status}."
    return ""


def _conditions_differ(ask: Callable[[str], Answer], value: str) -> str:
    """The value whose condition always holds, where it gives other than one that never does; "" where they are alike."""
    for true, false in ((f"{value}' OR '1'='1", f"{value}' AND '1'='2"), (f"{value}' AND '1'='1", f"{value}' AND '1'='2")):
        first, second = ask(true), ask(false)
        if first.is_success and len(first.content) > len(second.content) and not same_body(first, second):
            plain = ask(f"{value}x OR x1x=x1")  # as long and as odd, but no condition
            again, other = ask(true), ask(false)
            if same_body(first, again) and same_body(second, other) and not same_body(first, plain):
                return true
    return ""
