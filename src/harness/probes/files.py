"""Files to upload: small, and of the kinds that platforms take."""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from harness.probes.document import Document
from harness.probes.drafts import File
from harness.probes.operations import Operation
from harness.probes.raw_bytes import as_text
from harness.probes.schemas import SchemaError

PNG_BEGINS = as_text(b"\x89PNG\r\n\x1a\n")
_PICTURE = re.compile(r"image|photo|avatar|logo|picture|thumbnail|cover|banner|icon", re.I)
_BINARY = ("binary", "byte", "base64")
_FILE_NAME = re.compile(r"file|upload|attachment|document|image|photo|avatar|logo|picture", re.I)


def file_member(document: Document, operation: Operation) -> str:
    """The member of a multipart body that holds a file, "" where there is none."""
    body = operation.body
    if body is None or not body.media_type.startswith("multipart/"):
        return ""
    try:
        properties = document.schemas.resolve(body.schema).get("properties")
    except SchemaError:
        return ""
    members: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    for name, schema in members.items():
        if isinstance(schema, Mapping) and (
            schema.get("format") in _BINARY or "contentMediaType" in schema or _FILE_NAME.search(name)
        ):
            return str(name)
    return ""


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
