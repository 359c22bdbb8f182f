"""The places of an operation that take a value, each with the request that carries a text there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import PASSWORD, USERNAME
from harness.probes.openapi.nested import members, replaced
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import sender, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable

_HEADERS = ("User-Agent", "Referer")  # what platforms like to write down
_MEMBERS_MAX = 40


@dataclass(frozen=True)
class Filled:
    """A request that carries a text, and the ids in its path."""

    request: Request
    path: Mapping[str, Any]


@dataclass(frozen=True)
class Slot:
    """One place of an operation that takes a value."""

    operation: Operation
    asker: Asker
    name: str  # of the parameter, `$.a.b` of a member
    value: str  # what a good request has there
    length_max: int = 10_000

    @property
    def title(self) -> str:
        """How a sentence names it."""
        return self.name.removeprefix("$.")

    @property
    def is_shown_again(self) -> bool:
        """Whether its request alone shows the same once more."""
        return True

    def filled(self, scene: Scene, text: str) -> Filled:
        """A good request but for this text.

        Raises:
            Untestable: a value is missing that nothing tells.
        """
        draft = next(valid_drafts(scene, self.operation, self.asker))
        role, user = sender(scene, self.operation, self.asker)
        if self.name.startswith("$."):
            draft = draft.with_body(replaced(draft.body, self.name.split(".")[1:], text))
            return Filled(draft.request(role, user), draft.path)
        parameter = self.operation.parameter(self.name)
        if parameter is None:
            request = draft.request(role, user)
            return Filled(replace(request, headers={**request.headers, self.name: text}), draft.path)
        draft = draft.with_value(parameter, text)
        return Filled(draft.request(role, user), draft.path)

    def send(self, scene: Scene, request: Request) -> Answer:
        """Sends what was filled."""
        return scene.ask(request)


def slots_of(scene: Scene, operation: Operation, asker: Asker) -> list[Slot]:
    """Every parameter, what platforms write down of a request, and every member of the body.

    Raises:
        Untestable: no valid request could be made.
    """
    draft = next(valid_drafts(scene, operation, asker), None)
    if draft is None:
        raise Untestable("no valid request could be made")
    given = {**draft.path, **draft.query, **draft.headers}
    slots = [
        Slot(operation, asker, parameter.name, str(given.get(parameter.name, "")), _length(parameter.schema))
        for parameter in operation.parameters
        if parameter.where in ("path", "query", "header") and parameter.name.lower() not in ("authorization", "cookie")
    ]
    if operation.name not in scene.destructive:  # a good request would be the last one
        slots += [Slot(operation, asker, name, "") for name in _HEADERS]
    found = ((names, value) for names, value in members(draft.body) if value is not None)
    return slots + [Slot(operation, asker, "$." + ".".join(names), _value(value)) for names, value in islice(found, _MEMBERS_MAX)]


def _length(schema: Any) -> int:
    most = schema.get("maxLength") if isinstance(schema, dict) else None
    return most if isinstance(most, int) else 10_000


def _value(node: Any) -> str:
    """What a good request has there; the user's own words stand for themselves."""
    return "who@example.test" if node == USERNAME else "" if node == PASSWORD else str(node)
