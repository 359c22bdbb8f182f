"""A small shop that takes its wares as XML. Its traits, by name: `resolves` reads entities from outside (`files` those of files
alone), `echoes` gives back what it read, `reads-both` takes XML for its notes too, which are declared as JSON.
"""

from __future__ import annotations

import io
import xml.sax
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.handler import ContentHandler, EntityResolver, feature_external_ges

from harness.model.target import Allow, Environment, Login, Role, Target, User
from harness.probes.openapi.document import Document
from harness.targets.live import LiveTarget
from tests.probes.servers.small_http import Asked, Given, served

KEY = "key-of-the-shop"
_WARE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "cents": {"type": "integer"}}}
_WARES = {"type": "object", "required": ["ware"], "properties": {"ware": {"type": "array", "minItems": 1, "items": _WARE}}}
_NOTE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}


def _takes(media_type: str, schema: object) -> dict[str, object]:
    body = {"required": True, "content": {media_type: {"schema": schema}}}
    return {"security": [{"key": []}], "requestBody": body, "responses": {"default": {"description": "any"}}}


DOCUMENT = Document.of(
    {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": {
            "/wares": {"post": _takes("application/xml", {"$ref": "#/components/schemas/Wares"})},
            "/notes": {"post": _takes("application/json", _NOTE)},
        },
        "components": {
            "schemas": {"Wares": {**_WARES, "xml": {"name": "wares"}}},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        },
    }
)


def target() -> Target:
    """The shop as a target."""
    login = Login("api_key", header="X-Key", value="{password}")
    roles = (Role("clerk", login, (User("ann", "ann", KEY),)),)
    return Target("shop", "Shop", Environment.LOCAL, Path(), ("127.0.0.1",), Allow(writes=True), roles, health_path="/health")


class _Reader(ContentHandler, EntityResolver):
    def __init__(self, *, files_alone: bool) -> None:
        super().__init__()
        self.files_alone = files_alone
        self.elements: list[str] = []
        self.text = ""

    def startElement(self, name: str, attrs: object) -> None:
        del attrs
        self.elements.append(name)

    def characters(self, content: str) -> None:
        self.text += content

    def resolveEntity(self, publicId: str | None, systemId: str) -> object:
        del publicId
        is_read = systemId.startswith("file:") or not self.files_alone
        return systemId if is_read else io.BytesIO()


@dataclass
class Shop:
    """What was taken, as the outermost elements and texts of the documents."""

    traits: frozenset[str]
    roots: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/health":
            return Given(200, {})
        if asked.headers.get("x-key") != KEY:
            return Given(401, {})
        is_xml = asked.headers.get("content-type", "").startswith("application/xml")
        if asked.path == "/wares":
            return self._read(asked.raw) if is_xml else Given(415, {})
        if is_xml:
            return self._read(asked.raw) if "reads-both" in self.traits else Given(415, {})
        return Given(201, {}) if isinstance(asked.body, dict) else Given(400, {})

    def _read(self, raw: bytes) -> Given:
        parser, reader = xml.sax.make_parser(), _Reader(files_alone="files" in self.traits)
        parser.setContentHandler(reader)
        parser.setEntityResolver(reader)  # type: ignore[arg-type]
        parser.setFeature(feature_external_ges, bool(self.traits & {"resolves", "files"}))
        try:
            parser.parse(io.BytesIO(raw))
        except (xml.sax.SAXException, ValueError, OSError):
            return Given(400, {"error": "that is no document"})
        self.roots.append(reader.elements[0])
        return Given(201, {"read": reader.text if "echoes" in self.traits else len(reader.text)})


@contextmanager
def shop(*traits: str) -> Iterator[tuple[LiveTarget, Shop]]:
    """A running shop, and what it took."""
    taken = Shop(frozenset(traits))
    with served(target(), taken.answer) as live:
        yield live, taken


@dataclass(frozen=True)
class Shops:
    """Gives a shop with the same traits each time."""

    traits: tuple[str, ...] = ()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A running shop; `label` is of no matter here."""
        assert label
        with shop(*self.traits) as (live, _):
            yield live
