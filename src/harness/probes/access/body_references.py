"""Objects that a body names beside those of whom a kind describes: of a higher role's own part, or by the kind's name alone.

Naming another's object is no hole by itself: products are ordered, users are written to. It is one where who names it is refused
reading it, and is no more certain than that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.probes.http.askers import Asker
from harness.probes.openapi.operations import Operation
from harness.probes.scene.inference import is_secret_among
from harness.probes.scene.objects import Reference, references
from harness.probes.scene.scene import Scene


def further_references(scene: Scene, operation: Operation) -> Iterator[Reference]:
    """The places of its body that name an object which peers of its owner may not read, where these may call the operation."""
    if operation.is_safe or operation.body is None:
        return
    found = (*_of_bound_kinds(scene, operation), *_by_name(scene, operation))
    for reference in {(each.name, each.kind.name, each.kind.role): each for each in found}.values():
        kind = reference.kind
        may = scene.permission(operation, Asker(kind.role)).permitted is not False
        if may and not scene.is_account(kind) and is_secret_among(scene, kind):
            yield reference


def part_references(scene: Scene, operation: Operation) -> Iterator[Reference]:
    """The place of its path that names what was made below somebody's object, where the owner may call the operation."""
    for reference in references(scene.document, scene.parts, operation):
        if reference.place == "path" and scene.permission(operation, Asker(reference.kind.role)).permitted is not False:
            yield replace(reference, peers_only=True)


def _of_bound_kinds(scene: Scene, operation: Operation) -> Iterator[Reference]:
    found = references(scene.document, scene.bound_kinds, operation)
    yield from (replace(each, peers_only=True) for each in found if each.place == "body")


def _by_name(scene: Scene, operation: Operation) -> Iterator[Reference]:
    """`address` or `address_id` for the kind `address`, where the kind does not say so itself."""
    described = {reference.name for reference in scene.references(operation) if reference.place == "body"}
    named = (each for each in scene.named_references(operation) if each.name not in described)
    yield from (replace(each, peers_only=True) for each in named)
