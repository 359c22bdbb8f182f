"""Keeps credentials out of a browser's trace: a trace holds every header, cookie, form and keystroke of its flow.

A Playwright trace is a zip: `*.network` and `*.trace` are JSON lines, `resources/` holds what was sent and received.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from harness.evidence.redaction import REDACTED, redact

SECRET_LENGTH_MIN = 8  # shorter values are ordinary words, as in harness.evidence.redaction
_PICTURES = (".jpeg", ".jpg", ".png", ".webp", ".woff", ".woff2")
_CREDENTIAL_HEADERS = ("authorization", "proxy-authorization", "x-api-key", "x-csrf-token")
# Hidden fields of forms that stand for the session: in a page, in the snapshot of a page, and in the body of a form.
_FORM_TOKEN = re.compile(rb'[a-z_]*(?:csrf|xsrf)[a-z_]*(?:=|",\s*"value":\s*"|"\s+value=")([A-Za-z0-9._~+/=-]{20,})')


def redact_trace(path: Path, secrets: Iterable[str] = ()) -> frozenset[str]:
    """Rewrites the trace in place without `secrets`, cookies, tokens and credential headers; what was taken out.

    Args:
        path: the zip that `tracing.stop(path=…)` wrote.
        secrets: texts that are known to be secret, such as the passwords that were typed.
    """
    with zipfile.ZipFile(path) as trace:
        entries = [(info.filename, trace.read(info)) for info in trace.infolist()]
    found = {secret for secret in secrets if len(secret) >= SECRET_LENGTH_MIN}
    for name, data in entries:
        found.update(_secrets_in(name, data))
    replacements = _replacements(found)
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as trace:
        for name, data in entries:
            trace.writestr(name, data if name.endswith(_PICTURES) else _without(data, replacements))
    partial.replace(path)
    return frozenset(found)


def _secrets_in(name: str, data: bytes) -> Iterator[str]:
    if name.endswith(_PICTURES):
        return
    yield from (match.decode() for match in _FORM_TOKEN.findall(data))
    if name.endswith(".network"):
        for line in data.splitlines():
            yield from _secrets_of_exchange(json.loads(line).get("snapshot", {}))


def _secrets_of_exchange(snapshot: dict[str, Any]) -> Iterator[str]:
    for side in ("request", "response"):
        message = snapshot.get(side, {})
        values = [cookie["value"] for cookie in message.get("cookies", ())]
        for header in message.get("headers", ()):
            values.extend(_secrets_of_header(header["name"].lower(), header["value"]))
        yield from (value for value in values if len(value) >= SECRET_LENGTH_MIN)


def _secrets_of_header(name: str, value: str) -> Iterator[str]:
    if name == "cookie":
        yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
    elif name == "set-cookie":
        yield from (line.partition(";")[0].partition("=")[2].strip() for line in value.split("\n"))
    elif name in _CREDENTIAL_HEADERS:
        yield value.rpartition(" ")[2]


def _replacements(secrets: Iterable[str]) -> list[bytes]:
    """Each secret as it may stand in a trace: plain, in a JSON text, in a form; the longest first."""
    forms = {form.encode() for secret in secrets for form in (secret, json.dumps(secret)[1:-1], quote_plus(secret))}
    return sorted(forms, key=len, reverse=True)


def _without(data: bytes, replacements: Iterable[bytes]) -> bytes:
    for secret in replacements:
        data = data.replace(secret, REDACTED.encode())
    try:
        return redact(data.decode()).encode()
    except UnicodeDecodeError:
        return data
