"""The places of an operation that take a text, each with the rest of a good request around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.finding import Confidence, Finding, Request, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft
from harness.probes.openapi.nested import Names, members, replaced
from harness.probes.openapi.operations import Operation, Parameter
from harness.probes.openapi.schemas import SchemaError, types_of
from harness.probes.scene.calls import valid_drafts
from harness.probes.scene.preconditions import asks_version
from harness.probes.scene.scene import Asker, Scene

MEMBERS_MAX = 30
_STALE = (409, 412, 428)


@dataclass
class Slot:
    """One place that takes a text, and how to fill it. `value` is a good one, `names` lead to it in the body.

    A text that was taken moves the object's version: what is refused for it is sent again with the version as it is then.
    """

    scene: Scene
    asker: Asker
    name: str
    draft: Draft
    value: str
    names: Names = ()

    @property
    def operation(self) -> Operation:
        """Whose place it is."""
        return self.draft.operation

    @property
    def place(self) -> Place:
        """Where a finding about it stands."""
        return Place(self.operation.name, self.name, self.asker.role)

    def request(self, text: str) -> Request:
        """The request with this text in the place."""
        if self.names:
            return self.draft.with_body(replaced(self.draft.body, self.names, text)).request(self.asker.role, self.asker.user)
        parameter = self.operation.parameter(self.name)
        draft = self.draft.with_value(parameter, text) if parameter else self.draft
        return draft.request(self.asker.role, self.asker.user)

    def ask(self, text: str) -> Answer:
        """What is answered with this text in the place."""
        answer = self._sent(text)
        if answer.status in _STALE and asks_version(self.scene.document, self.draft):
            self.draft = next(valid_drafts(self.scene, self.operation, self.asker))
            answer = self._sent(text)
        return answer

    def _sent(self, text: str) -> Answer:
        world, request = self.scene.world, self.request(text)
        return world.send(request) if self.asker.role else world.send_as(request, self.scene.anonymous)

    def finding(
        self, weakness: Weakness, title: str, observed: str, text: str, symptom: Symptom, confidence: Confidence
    ) -> Finding:
        """A finding that is seen again by sending this text."""
        return finding_of(weakness, self.place, title, observed, (self.request(text),), symptom, confidence)


def slots_of(scene: Scene, draft: Draft, asker: Asker) -> Iterator[Slot]:
    """Every parameter in path and query, and every member of the body and of what it holds, that takes a text."""
    for parameter in _parameters(draft):
        if _takes_text(scene, parameter.schema):
            yield Slot(scene, asker, parameter.name, draft, _good(scene, draft, parameter))
    texts = ((names, value) for names, value in members(draft.body) if isinstance(value, str) and "${" not in value)
    for names, value in islice(texts, MEMBERS_MAX) if isinstance(draft.body, dict) else ():
        yield Slot(scene, asker, ".".join(names), draft, value, names)


def numbers_of(scene: Scene, draft: Draft, asker: Asker) -> Iterator[Slot]:
    """Every parameter in path and query that takes a number and no text."""
    for parameter in _parameters(draft):
        if not _takes_text(scene, parameter.schema) and _types(scene, parameter.schema) & {"integer", "number"}:
            yield Slot(scene, asker, parameter.name, draft, _good(scene, draft, parameter))


def _parameters(draft: Draft) -> Iterator[Parameter]:
    return (parameter for parameter in draft.operation.parameters if parameter.where in ("path", "query"))


def _takes_text(scene: Scene, schema: Any) -> bool:
    types = _types(scene, schema)
    return not types or "string" in types


def _types(scene: Scene, schema: Any) -> set[str]:
    """The types that a schema admits; none where it says nothing."""
    return {name for each in scene.document.schemas.alternatives(schema) for name in types_of(each)}


def _good(scene: Scene, draft: Draft, parameter: Parameter) -> str:
    """What a good request has there: what the draft has, the first of a list such as the orders of a `sort`, or of its form."""
    given = {**draft.path, **draft.query}.get(parameter.name)
    try:
        schema = scene.document.schemas.resolve(parameter.schema)
        listed = next(iter(schema["enum"]), None) if isinstance(schema.get("enum"), list) else None
        is_free = _takes_text(scene, schema) and not any(
            each.get("format") for each in scene.document.schemas.alternatives(schema)
        )
        made = "harness" if is_free else scene.drafter.values.value(schema, f"{draft.operation.name} {parameter.name}")
    except SchemaError:
        made = listed = "harness"
    return str(next((value for value in (given, listed, made) if value not in (None, "")), ""))
