"""Injection as it shows from outside, for targets whose database nobody watches: paired values that differ in one thing only.

A quote that fails while two quotes pass stands in a statement. A condition that is always true gives more than one that never is.
Each is sent twice before it is said. (Where the harness has the database, its statement record proves more, with less.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.calls import valid_drafts
from harness.probes.checks import Report, finding_of
from harness.probes.drafts import Draft
from harness.probes.exchange import Answer
from harness.probes.operations import Operation
from harness.probes.oracle import same_body
from harness.probes.scene import Asker, Scene, Untestable
from harness.probes.schemas import SchemaError, types_of

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
_FILE = Weakness(
    "injection.path",
    Severity.HIGH,
    22,
    "API8:2023",
    "A value names a file of the platform's own folder, or none.",
    "A caller reads any file of the machine.",
    "Look the name up in a list; never join it to a path.",
)


@dataclass(frozen=True)
class _Slot:
    """One place of an operation that takes a text, and how to fill it."""

    name: str
    draft: Draft
    value: str
    is_member: bool = False

    def filled(self, text: str, asker: Asker) -> Request:
        """The request with this text in the place."""
        if self.is_member:
            return replace(self.draft, body={**self.draft.body, self.name: text}).request(asker.role, asker.user)
        parameter = self.draft.operation.parameter(self.name)
        draft = self.draft.with_value(parameter, text) if parameter else self.draft
        return draft.request(asker.role, asker.user)


def examine_injection(scene: Scene) -> Report:
    """Tries every parameter and member that takes a text."""
    report = Report("injection")
    apart = scene.destructive - scene.resets  # without the right code nobody's password is another one
    for operation in scene.document.operations:
        if operation.name in apart or (not operation.is_safe and not scene.world.target.allow.writes):
            continue
        try:
            asker = scene.caller(operation)
            for slot in _slots(scene, operation, next(valid_drafts(scene, operation, asker))):
                report.tried += 1
                report.findings += _examined(scene, operation, slot, asker)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.note = f"{operation.name}: {error}"
    return report


def _slots(scene: Scene, operation: Operation, draft: Draft) -> Iterator[_Slot]:
    for parameter in operation.parameters:
        if parameter.where in ("path", "query") and _takes_text(scene, parameter.schema):
            given = {**draft.path, **draft.query}.get(parameter.name, _listed(scene, parameter.schema) or "harness")
            yield _Slot(parameter.name, draft, str(given))
    if isinstance(draft.body, dict):
        for name, value in draft.body.items():
            if isinstance(value, str) and "${" not in value:
                yield _Slot(name, draft, value, is_member=True)


def _takes_text(scene: Scene, schema: Any) -> bool:
    try:
        resolved = scene.document.schemas.resolve(schema)
    except SchemaError:
        return True
    return not types_of(resolved) or "string" in types_of(resolved)


def _listed(scene: Scene, schema: Any) -> Any:
    """The first of the values that a schema lists, such as the orders of a `sort`; else None."""
    try:
        return next(iter(scene.document.schemas.resolve(schema).get("enum") or ()), None)
    except SchemaError:
        return None


def _examined(scene: Scene, operation: Operation, slot: _Slot, asker: Asker) -> Iterator[Finding]:
    def ask(text: str) -> Answer:
        request = slot.filled(text, asker)
        return scene.world.send(request) if asker.role else scene.world.send_as(request, scene.anonymous)

    place = Place(operation.name, slot.name, asker.role)
    quote, twice = f"{slot.value}'", f"{slot.value}''"
    said = _quotes_differ(ask(quote), ask(twice))
    if said and _quotes_differ(ask(quote), ask(twice)):
        title = f"{operation.name} puts {slot.name} into a statement"
        yield finding_of(_SQL, place, title, said, (slot.filled(quote, asker),), Symptom(server_error=True), Confidence.MEDIUM)
    elif operation.is_safe and (true := _conditions_differ(ask, slot.value)):
        title = f"{operation.name} runs what stands in {slot.name} as a condition"
        observed = "A condition that always holds gives another answer than one that never does, twice in a row."
        request = slot.filled(true, asker)
        yield finding_of(_SQL, place, title, observed, (request,), Symptom(status=(200,)), Confidence.MEDIUM)
    elif operation.is_safe and (expression := _expression_runs(ask, slot.value)):
        title = f"{operation.name} puts {slot.name} into a statement"
        observed = "An expression with a query of its own was carried out, and the same without its last bracket failed, twice."
        request = slot.filled(expression, asker)
        yield finding_of(_SQL, place, title, observed, (request,), Symptom(status=(200,)), Confidence.MEDIUM)
    if operation.is_safe:
        answer = ask("../../../../../../../../etc/passwd")
        if re.search(r"^root:.*:0:0:", answer.text, re.M):
            title = f"{operation.name} reads the file that {slot.name} names"
            request = slot.filled("../../../../../../../../etc/passwd", asker)
            symptom = Symptom(body_contains="root:")
            yield finding_of(_FILE, place, title, "It showed the machine's list of users.", (request,), symptom, Confidence.HIGH)


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
