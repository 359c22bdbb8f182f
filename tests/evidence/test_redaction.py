"""No credential is written anywhere."""

from __future__ import annotations

import secrets

import jwt
import pytest

from harness.evidence.redaction import redact, remember_cookie, remember_secret


def test_a_remembered_secret_is_replaced() -> None:
    secret = secrets.token_hex(12)
    remember_secret(secret)
    assert redact(f"password={secret}!") == "password=<redacted>!"


def test_short_texts_are_not_taken_for_secrets() -> None:
    remember_secret("a")
    assert redact("a banana") == "a banana"


def test_a_cookie_is_a_secret_only_where_it_is_long_enough_to_be_a_credential() -> None:
    remember_cookie("logged-out")
    session = secrets.token_hex(8)
    remember_cookie(session)
    assert redact(f"logged-out {session}") == "logged-out <redacted>"


@pytest.mark.parametrize("end", ["\r\n", "\\r\\n", '"', "<br>"], ids=["line", "JSON", "quote", "HTML"])
def test_cookies_that_nobody_told_of_lose_their_values_wherever_a_header_ends(end: str) -> None:
    session = secrets.token_hex(8)
    assert (
        redact(f"Cookie: theme=dark; sid={session}{end}next={session}")
        == f"Cookie: theme=dark; sid=<redacted>{end}next={session}"
    )
    told = f"set-cookie: sid={session}; Path=/; Max-Age=31536000{end}"
    assert redact(told) == f"set-cookie: sid=<redacted>; Path=/; Max-Age=31536000{end}"
    assert redact(redact(told)) == redact(told)


def test_every_cookie_of_a_header_loses_its_value_and_no_attribute_does() -> None:
    known, other = secrets.token_hex(16), secrets.token_hex(16)
    remember_secret(known)
    assert redact(f"Cookie: desk={known}; JSESSIONID={other}") == "Cookie: desk=<redacted>; JSESSIONID=<redacted>"
    assert redact(f'{{"Cookie": "a=1; sid={other}"}}') == '{"Cookie": "a=1; sid=<redacted>"}'
    told = f"Set-Cookie: sid={other}; Domain=portal.example.test; Path=/api/partner-portal; Expires=Wed, 21 Oct 2026 07:28:00 GMT"
    assert redact(told) == told.replace(other, "<redacted>")


def test_tokens_and_addresses_lose_their_secrets() -> None:
    token = jwt.encode({"sub": "1"}, secrets.token_hex(32), algorithm="HS256")
    assert token not in redact(f"Authorization: Bearer {token}")
    assert redact(f"postgresql://target:{secrets.token_hex(4)}@127.0.0.1/x") == "postgresql://target:<redacted>@127.0.0.1/x"


@pytest.mark.parametrize("text", ["Bearer $(harness token partner)", "no secret here", "Bearer <token>"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text
