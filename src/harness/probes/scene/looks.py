"""Looks at one object of a user: by every operation that shows it when only its id is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from harness.model.errors import TargetError
from harness.model.finding import Request
from harness.model.target import ObjectKind
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.http.oracle import unstable
from harness.probes.openapi.operations import Operation
from harness.probes.scene.objects import Reference, references
from harness.probes.scene.path_ids import names_in

if TYPE_CHECKING:
    from harness.probes.scene.scene import Scene


class Looks:
    """How objects are looked at, and what changes in them by itself."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._volatile: dict[tuple[str, ...], frozenset[str]] = {}
        self._shown: dict[tuple[str, str, Asker], bool | None] = {}

    def readers(self, reference: Reference, beside: Collection[str] = ()) -> tuple[Operation, ...]:
        """The operations that show an object when only its id is given, and those of objects below it that are known too."""
        owner = self._scene.world.target.role(reference.kind.role)
        return tuple(
            operation
            for operation in self._scene.document.operations
            if operation.method == "GET"
            and self._shows(operation, reference, beside)
            and self._scene.permissions.of(operation, owner).permitted is not False
        )

    def _shows(self, operation: Operation, reference: Reference, beside: Collection[str]) -> bool:
        names = self._names_of(reference.kind, operation)
        others = set(names_in(operation.path)) - set(names)
        if len(names) != 1 or not others <= set(beside):
            return False
        return not any(parameter.required for parameter in operation.placed("query"))

    def _names_of(self, kind: ObjectKind, operation: Operation) -> list[str]:
        """The parameters of the operation's path that carry ids of the kind."""
        return [found.name for found in references(self._scene.document, (kind,), operation) if found.place == "path"]

    def at(self, reference: Reference, identity: Any, owner: Asker, beside: Mapping[str, Any] | None = None) -> dict[str, Answer]:
        """What the owner sees of an object, by reading operation; its list where nothing shows a single one.

        Args:
            beside: ids of objects below it, by parameter: they are looked at too.
        """
        seen: dict[str, Answer] = {}
        for request_name, request in self.requests(reference, identity, owner, beside):
            seen[request_name] = self._scene.world.send(request)
        return seen

    def shows(self, reference: Reference, identity: Any, asker: Asker) -> bool | None:
        """Whether what shows a single object shows this one to somebody, asked once; None where it neither is nor is refused."""
        key = (reference.kind.name, str(identity), asker)
        if key not in self._shown:
            self._shown[key] = self._asked(reference, identity, asker)
        return self._shown[key]

    def _asked(self, reference: Reference, identity: Any, asker: Asker) -> bool | None:
        try:
            answers = list(self.at(reference, identity, asker).values()) if self.readers(reference) else []
        except TargetError:  # its log-in was refused
            if not self._scene.world.door.alive():
                raise
            return None
        if any(answer.is_success for answer in answers):
            return True
        return False if answers and all(answer.status in (401, 403, 404) for answer in answers) else None

    def requests(
        self, reference: Reference, identity: Any, owner: Asker, beside: Mapping[str, Any] | None = None
    ) -> list[tuple[str, Request]]:
        """The requests of a look, by reading operation; those that show most of what is below come first."""
        made = []
        below = beside or {}
        for operation in sorted(self.readers(reference, below), key=lambda each: -len(below.keys() & set(names_in(each.path)))):
            given = {**below, self._names_of(reference.kind, operation)[0]: identity}
            made.append((operation.name, self._scene.drafter.draft(operation, given=given).request(owner.role, owner.user)))
        kind = reference.kind
        if made or not kind.list_path:
            return made
        return [(f"GET {kind.list_path}", self._scene.finder.list_request(kind.list_path, owner.role, owner.user))]

    def volatile(
        self, reference: Reference, identity: Any, owner: Asker, beside: Mapping[str, Any] | None = None
    ) -> frozenset[str]:
        """What changes by itself in looks at this kind, learned once from two of them."""
        key = (reference.kind.name, *sorted(beside or ()))
        if key not in self._volatile:
            once, again = (self.at(reference, identity, owner, beside) for _ in range(2))
            self._volatile[key] = unstable(once, again)
        return self._volatile[key]
