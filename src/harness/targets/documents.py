"""The OpenAPI document of a target: the committed one, else the one that the running target serves."""

from __future__ import annotations

from harness.model.finding import Request
from harness.probes.document import Document, DocumentError
from harness.probes.exchange import World
from harness.targets.arena import Arena


def document_of(arena: Arena) -> Document | None:
    """The document; None where the target's file names none.

    Raises:
        DocumentError: it is not served, or is none.
    """
    target = arena.target
    if target.document:
        return Document.load(target.document)
    if not target.document_path:
        return None
    with arena.fresh("document") as live, World(live) as world:
        answer = world.send(Request("GET", target.document_path))
    if answer.status != 200:
        raise DocumentError(f"GET {target.document_path} answered {answer.status}", hint="check document_path in the target file")
    return Document.load(answer.content, target.document_path)
