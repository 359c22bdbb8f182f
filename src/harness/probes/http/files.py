"""Files to upload: small, and of the kinds that platforms take."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.probes.http.drafts import File
from harness.probes.http.raw_bytes import as_bytes, as_text
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError

PNG_BEGINS = as_text(b"\x89PNG\r\n\x1a\n")
_PICTURE = re.compile(r"image|photo|avatar|logo|picture|thumbnail|cover|banner|icon", re.I)
_BINARY = ("binary", "byte", "base64")
_ENCODED = re.compile(r"base_?64|b64", re.I)
_NAME_BESIDE = re.compile(r"^(file_?|document_?|original_?)?(name|title)$", re.I)
_TYPE_BESIDE = re.compile(r"^(file_?)?(content_?|mime_?|media_?)type$|^mime$", re.I)
_FILE_NAME = re.compile(r"file|upload|attachment|document|image|photo|avatar|logo|picture", re.I)


@dataclass(frozen=True)
class FilePlace:
    """Where a body holds a file: the member of a multipart one, or that of a JSON body with its content in base64.

    `name` and `media_type` are the members of a JSON body that tell them, "" where none does.
    """

    member: str
    encoded: bool = False
    name: str = ""
    media_type: str = ""

    def filled(self, body: Any, file: File) -> dict[str, Any]:
        """The body with this file in its place."""
        kept = dict(body) if isinstance(body, Mapping) else {}
        if not self.encoded:
            return {**kept, self.member: file}
        kept[self.member] = base64.b64encode(as_bytes(file.content)).decode()
        told = {self.name: file.name, self.media_type: file.media_type}
        return {**kept, **{name: value for name, value in told.items() if name}}


def file_place(document: Document, operation: Operation) -> FilePlace | None:
    """Where an operation takes a file, None where it takes none."""
    if member := file_member(document, operation):
        return FilePlace(member)
    members = _members(document, operation) if operation.body is not None and operation.body.is_json else {}
    content = next((name for name, schema in members.items() if _is_encoded(name, schema)), "")
    beside = [next((name for name in members if kind.match(name)), "") for kind in (_NAME_BESIDE, _TYPE_BESIDE)]
    return FilePlace(content, True, *beside) if content and any(beside) else None


def _is_encoded(name: str, schema: Any) -> bool:
    told = (schema.get("format"), schema.get("contentEncoding")) if isinstance(schema, Mapping) else ()
    return bool(_ENCODED.search(name)) or any(each in ("byte", "base64") for each in told)


def file_member(document: Document, operation: Operation) -> str:
    """The member of a multipart body that holds a file, "" where there is none."""
    body = operation.body
    if body is None or not body.media_type.startswith("multipart/"):
        return ""
    for name, schema in _members(document, operation).items():
        if isinstance(schema, Mapping) and (
            schema.get("format") in _BINARY or "contentMediaType" in schema or _FILE_NAME.search(name)
        ):
            return str(name)
    return ""


def _members(document: Document, operation: Operation) -> Mapping[str, Any]:
    try:
        properties = document.schemas.resolve(operation.body.schema if operation.body else {}).get("properties")
    except SchemaError:
        return {}
    return properties if isinstance(properties, Mapping) else {}


def samples(member: str, salt: str = "") -> tuple[File, ...]:
    """One file of each kind, the likeliest for a member of that name first; only those of one salt have the same content."""
    end = hashlib.sha256(salt.encode()).hexdigest()[:16] if salt else secrets.token_hex(8)
    papers = (File("paper.pdf", f"%PDF-1.4\n{end}", "application/pdf"),)
    pictures = (File("picture.png", _png(end), "image/png"), File("picture.gif", f"GIF89a{end}", "image/gif"))
    texts = (File("note.txt", f"plain {end}", "text/plain"), File("list.csv", f"a,b\n{end}", "text/csv"))
    return (*pictures, *papers, *texts) if _PICTURE.search(member) else (*papers, *pictures, *texts)


def _png(text: str) -> str:
    """A picture of one black point, with a comment in it."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"tEXt", b"Comment\0" + text.encode()),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
    made = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return PNG_BEGINS + as_text(b"".join(made))
