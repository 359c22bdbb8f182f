"""A kept trace holds no credential, wherever in it the credential stood, and is still a trace."""

from __future__ import annotations

import json
import secrets
import zipfile
from pathlib import Path

import pytest

from harness.evidence.traces import redact_trace

SESSION, TOKEN, FORM_TOKEN = (secrets.token_urlsafe(32) for _ in range(3))
PASSWORD = 'pass "word"/' + secrets.token_hex(8)
PICTURE = b"\x89PNG\r\n" + SESSION.encode()

EXCHANGE = {
    "type": "resource-snapshot",
    "snapshot": {
        "request": {
            "headers": [
                {"name": "Cookie", "value": f"theme=dark; session={SESSION}"},
                {"name": "Authorization", "value": f"Bearer {TOKEN}"},
                {"name": "Accept", "value": "text/html"},
            ],
            "cookies": [{"name": "session", "value": SESSION}],
        },
        "response": {
            "headers": [{"name": "set-cookie", "value": f"session={SESSION}; Path=/\nother={TOKEN}; Secure"}],
            "cookies": [],
        },
    },
}
ENTRIES = {
    "trace.network": json.dumps(EXCHANGE) + "\n" + json.dumps({"type": "something else"}),
    "trace.trace": json.dumps({"type": "before", "method": "fill", "params": {"value": PASSWORD}})
    + json.dumps({"html": ["INPUT", {"type": "hidden", "name": "csrf_token", "value": FORM_TOKEN}]}),
    "resources/form.dat": f"csrf_token={FORM_TOKEN}&do=note",
    "resources/page.html": f'<input type="hidden" name="csrf_token" value="{FORM_TOKEN}"><p>{TOKEN}</p>',
    "resources/bytes.bin": b"\xff\xfe" + SESSION.encode(),
    "resources/picture.png": PICTURE,
}


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in ENTRIES.items():
            file.writestr(name, data)
    return path


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {info.filename: file.read(info) for info in file.infolist()}


def test_no_credential_is_left_in_any_text_of_the_trace(trace: Path) -> None:
    before = b"".join(entries(trace).values())
    found = redact_trace(trace, [PASSWORD])
    after = {name: data for name, data in entries(trace).items() if not name.endswith(".png")}
    for secret in (SESSION, TOKEN, FORM_TOKEN, json.dumps(PASSWORD)[1:-1]):
        assert secret.encode() in before
        assert all(secret.encode() not in data for data in after.values()), secret
    assert found == {SESSION, TOKEN, FORM_TOKEN, PASSWORD}


def test_what_is_no_credential_stays(trace: Path) -> None:
    redact_trace(trace, [PASSWORD])
    after = entries(trace)
    assert list(after) == list(ENTRIES)
    lines = [json.loads(line) for line in after["trace.network"].splitlines()]
    assert lines[0]["snapshot"]["request"]["headers"][0]["value"] == "theme=dark; session=<redacted>"
    assert lines[0]["snapshot"]["request"]["headers"][2]["value"] == "text/html"
    assert after["resources/form.dat"] == b"csrf_token=<redacted>&do=note"
    assert after["resources/picture.png"] == PICTURE


def test_a_short_secret_does_not_blank_ordinary_words(trace: Path) -> None:
    found = redact_trace(trace, ["note", ""])
    assert "note" not in found
    assert entries(trace)["resources/form.dat"].endswith(b"&do=note")


def test_no_half_written_trace_is_left_beside_it(trace: Path) -> None:
    redact_trace(trace)
    assert [path.name for path in trace.parent.iterdir()] == ["trace.zip"]
