"""The authorization findings in the words of a person who must mend them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.probes.http.answers import Answer
from harness.probes.http.oracle import Change, excerpt, members_of
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker

STAGE, ENGINE = "authorization", "probes"
WRITE_OF_ANOTHER = "authorization.write-of-another"
MISSING = "authentication.missing"  # one rule for reads, writes and functions: the operation asks for nothing
PARTS = ("7.3.5.a",)  # the full matrix role x route x owner


def said(answer: Answer) -> str:
    """An answer in a few words: `200`, `no answer (ReadTimeout)`."""
    return str(answer.status) if answer.status else f"no answer ({answer.error})"


def read_of_another(
    operation: Operation,
    asker: Asker,
    owner: Asker,
    parameter: str,
    secrets: tuple[str, ...],
    answer: Answer,
    steps: Iterable[Request],
) -> Finding:
    """Somebody is shown what is another's."""
    names = members_of(secrets, answer)
    some = f" ({', '.join(names[:4])}{' …' if len(names) > 4 else ''})" if names else ""
    shown = f"{len(secrets)} values that only {owner.title} is shown otherwise{some}" if secrets else "the owner's answer"
    return Finding(
        rule="authorization.read-of-another" if asker.role else MISSING,
        title=f"{operation.name}: {asker.title} reads what belongs to {owner.title}",
        severity=Severity.HIGH if asker.role else Severity.CRITICAL,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        parameter=parameter if asker.role else "",
        role=asker.role,
        cwe=639 if asker.role else 306,
        owasp="API1:2023" if asker.role else "API2:2023",
        expected=f"An id of {owner.title}, sent by {asker.title}, is answered 403 or 404 without the object's data.",
        observed=f"It was answered {said(answer)} and shows {shown}.",
        why="Whoever counts through the ids reads the data of every other user."
        if asker.role
        else "Anybody reads it without logging in.",
        advice=_read_advice(operation, asker, parameter),
        steps=tuple(steps),
        symptom=Symptom(status=(answer.status,), body_contains=_short_secret(secrets)),
        parts=PARTS,
    )


def _read_advice(operation: Operation, asker: Asker, parameter: str) -> str:
    if not asker.role:
        return f"Demand a credential on {operation.name} before anything is read."
    return (
        f"Let the query behind {operation.name} ask for the owner too (where {parameter} = … and owner = the caller), "
        "and answer 404 where it finds nothing."
    )


def _short_secret(secrets: tuple[str, ...]) -> str:
    return min(secrets, key=lambda text: (len(text) > 40, not any(c.isdigit() for c in text), len(text))) if secrets else ""


def write_of_another(
    operation: Operation,
    asker: Asker,
    owner: Asker,
    parameter: str,
    answer: Answer,
    effect: tuple[str, str],
    steps: Iterable[Request],
    symptom: Symptom,
) -> Finding:
    """Somebody changes what is another's. `effect` says what changed and who sees it, "" where only the answer says so."""
    observed = (
        f"It was answered {said(answer)}, and {effect[1]} sees the change: {effect[0]}."
        if effect[0]
        else f"It was answered {said(answer)}."
    )
    return Finding(
        rule=WRITE_OF_ANOTHER if asker.role else MISSING,
        title=f"{operation.name}: {asker.title} changes what belongs to {owner.title}",
        severity=Severity.CRITICAL,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        parameter=parameter if asker.role else "",
        role=asker.role,
        cwe=639 if asker.role else 306,
        owasp="API1:2023" if asker.role else "API2:2023",
        expected=f"An id of {owner.title}, sent by {asker.title}, is refused, and the object stays as it was.",
        observed=observed,
        why="Any user changes or destroys the data of any other." if asker.role else "Anybody changes it without logging in.",
        advice=(
            f"Let the statement behind {operation.name} demand the owner (where {parameter} = … and owner = the caller), "
            "and answer 404 where it touches no row."
            if asker.role
            else f"Demand a credential on {operation.name} before anything is written."
        ),
        steps=tuple(steps),
        symptom=symptom,
        parts=PARTS,
    )


def read_after_deletion(operation: Operation, owner: Asker, answer: Answer, after: Answer, steps: Iterable[Request]) -> Finding:
    """An object is shown as before though its owner deleted it."""
    return Finding(
        rule="authorization.read-after-deletion",
        title=f"{operation.name} is answered {said(answer)}, and the object is still there",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=owner.role,
        cwe=672,
        owasp="",
        expected=f"What {owner.title} has deleted is answered 404 or 410, or shows that it is deleted.",
        observed=f"GET {operation.path} was answered {said(after)} afterwards, with the same object as before.",
        why="What a user took back is still given out, to everybody who could see it.",
        advice=f"Delete the row in {operation.name}, or mark it and let every query leave marked rows out.",
        steps=tuple(steps),
        symptom=Symptom(status=(after.status,)),
        parts=(),
    )


def listed_after_deletion(
    operation: Operation, owner: Asker, answer: Answer, listed: tuple[Request, Answer], steps: Iterable[Request]
) -> Finding:
    """A list shows an object just as before though its owner deleted it, and it is refused by its id."""
    request, _ = listed
    path = request.path.partition("?")[0]
    found = read_after_deletion(operation, owner, answer, answer, (*steps, request))
    return replace(
        found,
        title=f"{operation.name} is answered {said(answer)}, and the object is still listed",
        expected=f"What {owner.title} has deleted is in no list, or shows there that it is deleted.",
        observed=f"GET {operation.path} was refused afterwards; GET {path} held the object just as before, a moment later too.",
        advice=f"Leave out in {path} what {operation.name} marks as deleted.",
        symptom=Symptom(),
    )


def function_of_another(operation: Operation, asker: Asker, because: str, answer: Answer, steps: Iterable[Request]) -> Finding:
    """Somebody calls an operation that is not for them."""
    write = not operation.is_safe
    return Finding(
        rule="authorization.function-of-another-role" if asker.role else MISSING,
        title=f"{operation.name} answers {asker.title}",
        severity=Severity.CRITICAL if write or not asker.role else Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=asker.role,
        cwe=862 if asker.role else 306,
        owasp="API5:2023" if asker.role else "API2:2023",
        expected=f"{operation.name} refuses {asker.title} with {'403' if asker.role else '401'}: {because}.",
        observed=f"It was answered {said(answer)}, as those are who may call it.",
        why="A user of a lower role does what is kept for another role."
        if asker.role
        else "It works for anybody, without logging in.",
        advice=f"Check {'the role' if asker.role else 'the credential'} in {operation.name} itself, before all else.",
        steps=tuple(steps),
        symptom=Symptom(status=(answer.status,)),
        parts=PARTS,
    )


def list_shows_another(
    operation: Operation, asker: Asker, owner: Asker, what: str, answer: Answer, text: str, steps: Iterable[Request]
) -> Finding:
    """A list or a summary shows a user the objects of another. `text` stands in the answer and shows it."""
    return Finding(
        rule="authorization.list-shows-another",
        title=f"{operation.name} shows {asker.title} what belongs to {owner.title}",
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=asker.role,
        cwe=639,
        owasp="API1:2023",
        expected=f"{operation.name} shows {asker.title} its own objects only.",
        observed=f"It was answered {said(answer)} and shows {what}.",
        why="Every user sees the data of all others, without guessing an id.",
        advice=f"Restrict the query behind {operation.name} to the objects of the caller.",
        steps=tuple(steps),
        symptom=Symptom(status=(answer.status,), body_contains=text),
        parts=PARTS,
    )


def total_of_others(
    operation: Operation, asker: Asker, owner: Asker, counted: tuple[str, int, int], answer: Answer, steps: Iterable[Request]
) -> Finding:
    """A list's total counts what it does not show. `counted`: the member, what it says, and how many are shown."""
    name, total, shown = counted
    return Finding(
        rule="authorization.counts-another",
        title=f"{operation.name} counts for {asker.title} what belongs to {owner.title}",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=asker.role,
        cwe=639,
        owasp="API1:2023",
        expected=f"{name} is the number of objects that {asker.title} may see.",
        observed=f"{name} is {total}, for {owner.title} too; {asker.title} is shown {shown} in all.",
        why="A search tells how many objects of others match it: with enough of them their contents can be read.",
        advice=f"Restrict the query that counts for {operation.name} to the objects of the caller, as that of its page is.",
        steps=tuple(steps),
        symptom=Symptom(status=(answer.status,), body_contains=excerpt(answer, total, name.rsplit(".", 1)[-1])),
        parts=PARTS,
    )


@dataclass(frozen=True)
class Moves:
    """Somebody's write moved what another reads: through which operation, and what moved."""

    written: Operation
    asker: Asker
    owner: Asker
    change: Change
    steps: tuple[Request, ...]


def moves_with_another(operation: Operation, moves: Moves, answer: Answer) -> Finding:
    """A summary counts objects that are not the caller's."""
    name = moves.change.path.rsplit(".", 1)[-1]
    return Finding(
        rule="authorization.counts-another",
        title=f"{operation.name} counts for {moves.asker.title} what belongs to {moves.owner.title}",
        severity=Severity.MEDIUM,
        confidence=Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=operation.method,
        route=operation.path,
        role=moves.asker.role,
        cwe=639,
        owasp="API1:2023",
        expected=f"What {moves.asker.title} reads stays as it is when {moves.owner.title} writes to an object of its own.",
        observed=f"After {moves.owner.title} used {moves.written.name}, {moves.asker.title} reads {moves.change}.",
        why="The figures of all users are shown to each of them; with filters they can be taken apart.",
        advice=f"Restrict the query behind {operation.name} to the objects of the caller.",
        steps=moves.steps,
        symptom=Symptom(status=(answer.status,), body_contains=excerpt(answer, moves.change.after, name)),
        parts=PARTS,
    )
