"""What is done with an address after it was taken: operations directly below the object that holds it (`POST …/{id}/test`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.model.finding import Request
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker, Untestable
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import member
from harness.probes.openapi.operations import Operation
from harness.probes.scene.path_ids import names_in
from harness.probes.scene.scene import Scene

BELOW_MAX = 4  # operations that are called on one object
_LAST = re.compile(r"/\{([^{}/]+)\}$")


@dataclass(frozen=True)
class Taken:
    """An address of ours, known by its token, that an operation took as `name`: the request and what it was answered."""

    token: str
    name: str
    asker: Asker
    draft: Draft
    answer: Answer

    @property
    def operation(self) -> Operation:
        """What took it."""
        return self.draft.operation


def calls_below(scene: Scene, taken: Taken) -> Iterator[tuple[Operation, Request]]:
    """Each POST directly below the object that holds the address, with a good request for it."""
    if not taken.answer.is_success or taken.operation.is_safe:
        return
    for operation in islice(_below(scene, taken.operation), BELOW_MAX):
        with suppress(Untestable):
            asker = taken.asker if scene.permission(operation, taken.asker).permitted is not False else scene.caller(operation)
            draft = scene.draft(operation, asker, _ids(taken, operation))
            yield operation, draft.with_body(scene.bodies(operation)[0]).request(asker.role, asker.user)


def _below(scene: Scene, parent: Operation) -> Iterator[Operation]:
    """`POST /x/{id}/y` and `…/y/z` for `POST /x`, and below what a change names (`/x/{id}`, the only `/x`); not what destroys."""
    path = re.escape(parent.path.rstrip("/"))
    is_the_object = _LAST.search(parent.path) or parent.method in ("PUT", "PATCH")
    object_path = path if is_the_object else rf"{path}/\{{[^{{}}/]+\}}"
    for operation in sorted(scene.document.operations, key=lambda each: each.path.count("/")):
        directly = operation.method == "POST" and re.fullmatch(rf"{object_path}(/[^{{}}/]+){{1,2}}/?", operation.path)
        if directly and operation.name not in scene.destructive:
            yield operation


def _ids(taken: Taken, operation: Operation) -> dict[str, Any]:
    """The ids of the path: those of the parent's path, and that of what it made, by the answer's word or else the request's."""
    name = next(iter(names_in(operation.path)[-1:]), "")
    given = dict(taken.draft.path)
    if not name or name in given:
        return given
    sources = ((taken.answer.json, name), (taken.answer.json, "id"), (taken.answer.json, "uuid"), (taken.draft.body, name))
    identity = next((found for data, word in sources if isinstance(found := member(data, word), int | str)), None)
    if identity is None:
        raise Untestable(f"{taken.operation.name} does not say what it made")
    return {**given, name: identity}
