"""The OpenAPI document of a target: the committed one, else the one that the running target serves."""

from __future__ import annotations

from dataclasses import replace

from harness.model.finding import Request
from harness.model.target import Target
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document, DocumentError
from harness.probes.openapi.operations import Operation
from harness.targets.arena import Arena


def document_of(arena: Arena) -> Document | None:
    """The document; None where the target's file names none.

    Raises:
        DocumentError: it is not served, or is none.
    """
    target = arena.target
    if target.document:
        return opened(Document.load(target.document), target)
    if not target.document_path:
        return None
    with arena.fresh("document") as live, World(live) as world:
        answer = world.send(Request("GET", target.document_path))
    if answer.status != 200:
        raise DocumentError(f"GET {target.document_path} answered {answer.status}", hint="check document_path in the target file")
    return opened(Document.load(answer.content, target.document_path), target)


def opened(document: Document, target: Target) -> Document:
    """The document as it is meant: what logs somebody in asks for no credential, nor does what the file calls everybody's.

    Frameworks write the scheme of a cookie beside the log-in that reads it and does without. `data` stays as it was written.
    """
    doors = {path for role in target.roles for path in (role.login.path, role.login.page, role.page_login) if path}

    def is_open(operation: Operation) -> bool:
        is_door = operation.path in doors or document.base_path + operation.path in doors
        return is_door or target.hint(operation.name).roles == ()

    operations = (replace(each, security=()) if each.is_secured and is_open(each) else each for each in document.operations)
    return replace(document, operations=tuple(operations))
