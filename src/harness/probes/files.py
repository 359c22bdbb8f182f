"""Files to upload: small, of the kinds that platforms take, and written in ASCII alone so that any body can hold them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from harness.probes.document import Document
from harness.probes.drafts import File
from harness.probes.operations import Operation
from harness.probes.schemas import SchemaError

SAMPLES = (
    ("paper.pdf", "application/pdf", "%PDF-1.4\n"),
    ("picture.gif", "image/gif", "GIF89a"),
    ("note.txt", "text/plain", "plain "),
    ("list.csv", "text/csv", "a,b\n"),
)
"""Name, media type and how the content begins."""
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


def samples(salt: str = "") -> tuple[File, ...]:
    """One file of each kind; no two have the same content, but those of one salt."""
    end = hashlib.sha256(salt.encode()).hexdigest()[:16] if salt else secrets.token_hex(8)
    return tuple(File(name, f"{start}{end}", media_type) for name, media_type, start in SAMPLES)
