"""The committed document against the last released one: what breaks a client that was built from the release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.engines.contract.schema_changes import Direction, SchemaComparer
from harness.model.finding import Confidence, Finding, Severity
from harness.model.target import Target
from harness.probes.openapi.document import Document, Operation

RULE = "contract.breaking-change"
_CWE = 439  # behavioural change in a new version
_OWASP = "API9:2023"  # improper inventory management: versions are a part of it
_OTHERS_MAX = 8


@dataclass(frozen=True)
class Change:
    """One breaking change of one operation. `parameter` names its place, `shared` a schema that others use too."""

    operation: str
    parameter: str
    text: str
    shared: str = ""


def released_document(target: Target) -> Path | None:
    """`targets/<name>.released.openapi.yaml` beside the committed document, where it exists."""
    if target.document is None:
        return None
    name = f"{target.name}.released.openapi"
    return next((p for suffix in (".yaml", ".yml", ".json") if (p := target.document.parent / f"{name}{suffix}").is_file()), None)


def changes(old: Document, new: Document) -> list[Change]:
    """Every breaking change, in the old document's order; one schema's change is said for each operation that uses it."""
    found: list[Change] = []
    for operation in old.operations:
        after = new.find(operation.method, operation.path)
        if after is None:
            found.append(Change(operation.name, "operation", "the operation is gone"))
        else:
            found.extend(_of_operation(old, new, operation, after))
    return found


def _of_operation(old: Document, new: Document, before: Operation, after: Operation) -> Iterator[Change]:
    for parameter, text in (*_parameters(before, after), *_security(before, after), *_statuses(before, after)):
        yield Change(before.name, parameter, text)
    request = SchemaComparer(old.schemas, new.schemas, Direction.REQUEST)
    for one in before.parameters:
        other = after.parameter(one.name, one.where)
        if other is not None:
            for change in request.changes(one.schema, other.schema):
                said = change.text.replace("`the body`", f"the {one.where} parameter `{one.name}`", 1)
                yield Change(before.name, f"{one.name}:{change.kind}", said)
    yield from _bodies(request, before, after)
    yield from _answers(SchemaComparer(old.schemas, new.schemas, Direction.RESPONSE), before, after)


def _parameters(before: Operation, after: Operation) -> Iterator[tuple[str, str]]:
    for one in before.parameters:
        other = after.parameter(one.name, one.where)
        if other is None:
            yield f"{one.name}:removed", f"the {one.where} parameter `{one.name}` is gone"
        elif other.required and not one.required:
            yield f"{one.name}:required", f"the {one.where} parameter `{one.name}` is required now"
    for other in after.parameters:
        if other.required and before.parameter(other.name, other.where) is None:
            yield f"{other.name}:required", f"there is a new required {other.where} parameter `{other.name}`"


def _security(before: Operation, after: Operation) -> Iterator[tuple[str, str]]:
    if after.is_secured and not before.is_secured:
        yield "security", "a credential is demanded now, and was not before"
        return
    for requirement in before.security:
        kept = any(
            other.schemes.keys() <= requirement.schemes.keys()
            and all(set(scopes) <= set(requirement.schemes[name]) for name, scopes in other.schemes.items())
            for other in after.security
        )
        if not kept and after.is_secured:
            shown = " and ".join(f"{name}({', '.join(scopes)})" for name, scopes in requirement.schemes.items())
            yield "security", f"the credential {shown} is no longer enough"


def _statuses(before: Operation, after: Operation) -> Iterator[tuple[str, str]]:
    kept = {response.status for response in after.responses}
    for response in before.responses:
        if response.status.startswith(("2", "3")) and response.status not in kept:
            yield f"{response.status}:removed", f"the answer {response.status} is gone (now {', '.join(sorted(kept))})"


def _bodies(comparer: SchemaComparer, before: Operation, after: Operation) -> Iterator[Change]:
    bodies = {body.media_type: body for body in after.bodies}
    if any(body.required for body in after.bodies) and not any(body.required for body in before.bodies):
        yield Change(before.name, "body:required", "a body is required now")
    for one in before.bodies:
        other = bodies.get(one.media_type)
        if other is None:
            yield Change(before.name, f"{one.media_type}:removed", f"a body of {one.media_type} is no longer taken")
            continue
        for change in comparer.changes(one.schema, other.schema):
            shared = f"request {change.component} {change.path} {change.kind}" if change.component else ""
            yield Change(before.name, f"{change.path}:{change.kind}", f"in the request, {change.text}", shared)


def _answers(comparer: SchemaComparer, before: Operation, after: Operation) -> Iterator[Change]:
    answers = {response.status: response for response in after.responses}
    for one in before.responses:
        other = answers.get(one.status)
        if other is None:
            continue
        for lost in sorted(set(one.media_types) - set(other.media_types)):
            yield Change(before.name, f"{one.status}:{lost}", f"the answer {one.status} is no longer given as {lost}")
        for change in comparer.changes(one.schema, other.schema):
            shared = f"response {change.component} {change.path} {change.kind}" if change.component else ""
            yield Change(
                before.name, f"{one.status}:{change.path}:{change.kind}", f"in the answer {one.status}, {change.text}", shared
            )


def breaking_findings(old: Document, new: Document) -> list[Finding]:
    """A finding for each breaking change; a schema that many operations share is said once."""
    grouped: dict[tuple[str, str], list[Change]] = {}
    for change in changes(old, new):
        key = (change.shared, "") if change.shared else (change.operation, change.parameter)
        grouped.setdefault(key, []).append(change)
    return [_finding(old, new, found) for found in grouped.values()]


def _finding(old: Document, new: Document, found: list[Change]) -> Finding:
    first = found[0]
    method, _, route = first.operation.partition(" ")
    others = list(dict.fromkeys(change.operation for change in found if change.operation != first.operation))
    also = f" The same holds for {', '.join(others[:_OTHERS_MAX])}." if others else ""
    return Finding(
        rule=RULE,
        title=f"{first.operation} breaks its release: {first.text}",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        stage="contract",
        engines=("schemathesis",),
        method=method,
        route=route,
        parameter=first.parameter,
        cwe=_CWE,
        owasp=_OWASP,
        expected=f"What {old.name} promises still holds.",
        observed=f"By {new.name}, {first.text}.{also}",
        why="Clients that were built from the released document fail, or misread the answer, as soon as this is deployed.",
        advice="Keep the old form beside the new one, or release a new version and tell the clients; then release the document.",
    )
