"""Tokens that a target must refuse, made from one that it gave: pure text, nothing is sent here.

A JSON Web Token (RFC 7519) is taken apart; any other token is only cut, changed and replaced. What only the owner of the signing
key can make (an expired token with a good signature) is made where the harness gave the target its key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
HOUR_S = 3_600
# The keys that tutorials, templates and lists of leaked keys show most often.
WEAK_KEYS = (
    *(
        "",
        "secret",
        "secretkey",
        "secret_key",
        "secret-key",
        "my_secret",
        "mysecret",
        "mysecretkey",
        "supersecret",
        "supersecretkey",
    ),
    *("super-secret", "super_secret_key", "topsecret", "password", "passw0rd", "admin", "key", "jwt", "jwtsecret", "jwt_secret"),
    *(
        "jwt-secret",
        "jwtkey",
        "JWT_SECRET",
        "jwt_secret_key",
        "your_jwt_secret",
        "your-secret-key",
        "your-256-bit-secret",
        "token",
    ),
    *("changeme", "change_me", "change-me", "changeit", "default", "test", "testing", "dev", "development", "example", "123456"),
    *(
        "12345678",
        "123456789",
        "qwerty",
        "abc123",
        "letmein",
        "random",
        "crapi",
        "shhhhh",
        "keyboard cat",
        "a-string-secret-at-least-256-bits-long",
    ),
    *(
        "0",
        "null",
        "undefined",
        "none",
        "signing-key",
        "private",
        "private_key",
        "HS256",
        "hmac",
        "node",
        "express",
        "flask",
        "django",
    ),
)


@dataclass(frozen=True)
class Jwt:
    """A JSON Web Token in its parts."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: str
    signature: str

    @property
    def algorithm(self) -> str:
        """`alg` of the header."""
        return str(self.header.get("alg", ""))

    @property
    def lifetime_s(self) -> float | None:
        """Seconds from `iat` (or `nbf`) to `exp`; None where there is no `exp`, infinite where nothing tells when it began."""
        end, begun = self.claims.get("exp"), self.claims.get("iat", self.claims.get("nbf"))
        if not isinstance(end, int | float):
            return None
        return end - begun if isinstance(begun, int | float) else end - time.time()


@dataclass(frozen=True)
class Forgery:
    """A token to be refused. `text` None means that none is sent; `what` and `why` go into the finding."""

    name: str
    text: str | None
    what: str  # "an expired token"
    why: str
    cwe: int = 287


def read_jwt(text: str) -> Jwt | None:
    """The token in its parts, or None where it is no JSON Web Token."""
    parts = text.split(".")
    if len(parts) != 3:
        return None
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    if not isinstance(header, dict) or not isinstance(claims, dict) or "alg" not in header:
        return None
    return Jwt(header, claims, f"{parts[0]}.{parts[1]}", parts[2])


def key_of(token: Jwt, candidates: tuple[str, ...]) -> str | None:
    """The candidate that the token is signed with, or None. Tried here, without a request."""
    made = HASHES.get(token.algorithm)
    if made is None:
        return None
    for candidate in candidates:
        for key in (candidate.encode(), candidate.upper().encode()):
            if hmac.compare_digest(_coded(hmac.digest(key, token.signed.encode(), made)), token.signature):
                return key.decode()
    return None


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes) -> str:
    """A token with an HMAC signature of the header's `alg`; no signature for an `alg` that is none of HMAC."""
    text = f"{_coded_json(header)}.{_coded_json(claims)}"
    made = HASHES.get(str(header.get("alg")))
    return f"{text}.{_coded(hmac.digest(key, text.encode(), made)) if made else ''}"


def is_asymmetric(token: Jwt) -> bool:
    """Whether it is signed with a private key: then the public one, which everybody knows, must not be taken for a secret."""
    return token.algorithm.startswith(("RS", "PS", "ES"))


REFRESH = "refresh-token"


def refresh_forgery(text: str, refresh_token: str) -> Iterator[Forgery]:
    """The refresh token in place of the access token, where there is one and it is another."""
    if refresh_token and refresh_token != text:
        why = "A refresh token lives for weeks: whoever gets hold of it needs no refresh, and no end of a session stops it."
        yield Forgery(REFRESH, refresh_token, "the refresh token in place of the access token", why)


def forgeries(
    text: str, key: str | None = None, others: Mapping[str, Any] | None = None, public_keys: tuple[str, ...] = ()
) -> tuple[Forgery, ...]:
    """Everything to be tried with one valid token.

    Args:
        key: the target's own signing key, where the harness gave it one.
        others: claims of another user's token, to be put into this one.
        public_keys: the target's own, as it shows them.
    """
    token = read_jwt(text)
    made = list(_any_token(text))
    if token is not None:
        made += [*_unsigned(token), *_other_keys(token), *_weak(token), *_changed(token, others or {})]
        made += _confused(token, public_keys) if is_asymmetric(token) else ()
        if key is not None:
            made += _with_key(token, key.encode())
    return tuple(made)


def _any_token(text: str) -> Iterator[Forgery]:
    yield Forgery("empty", "", "an empty token", "Anybody is let in.", 306)
    yield Forgery("malformed", "not-a-token", "a text that is no token", "Anybody is let in.", 306)
    random = base64.urlsafe_b64encode(secrets.token_bytes(max(16, len(text) * 3 // 4))).decode().rstrip("=")[: max(20, len(text))]
    yield Forgery("random", random, "a random text of a token's length", "Anybody is let in.", 306)
    yield Forgery(
        "cut", text[: len(text) - max(4, len(text) // 10)], "a token with its end cut off", "The token is not checked in full."
    )
    middle = len(text) - max(6, len(text) // 20)
    swapped = "b" if text[middle : middle + 1].lower() == "a" else "a"  # not the other case: a reader of hex knows none
    yield Forgery(
        "altered",
        text[:middle] + swapped + text[middle + 1 :],
        "a token with one character changed",
        "The token is not checked in full.",
    )


def _unsigned(token: Jwt) -> Iterator[Forgery]:
    why = "Anybody writes a token for any user without knowing a key."
    for number, alg in enumerate(("none", "None", "NONE", "nOnE")):
        text = signed({**token.header, "alg": alg}, token.claims, b"")
        yield Forgery(f"alg-none-{number}" if number else "alg-none", text, f'an unsigned token (alg "{alg}")', why, 347)
    yield Forgery("no-signature", f"{token.signed}.", "a token without its signature", why, 347)
    yield Forgery("empty-key", signed(_hs(token), token.claims, b""), "a token signed with an empty key", why, 347)


def _other_keys(token: Jwt) -> Iterator[Forgery]:
    why = "Anybody signs a token with a key of their own."
    own = secrets.token_hex(48)
    yield Forgery("other-key", signed(_hs(token), token.claims, own.encode()), "a token signed with another key", why, 347)
    embedded = {"kty": "oct", "k": _coded(own.encode()), "alg": "HS256"}
    header = {**_hs(token), "jwk": embedded}
    yield Forgery("own-jwk", signed(header, token.claims, own.encode()), "a token that brings its own key (jwk)", why, 347)
    header = {**_hs(token), "kid": "../../../../../../dev/null"}
    yield Forgery("kid-file", signed(header, token.claims, b""), "a token whose key id names an empty file", why, 22)
    header = {**_hs(token), "kid": "x' UNION SELECT 'harness' -- "}
    yield Forgery("kid-sql", signed(header, token.claims, b"harness"), "a token whose key id is a query", why, 89)


def _weak(token: Jwt) -> Iterator[Forgery]:
    """Signed anew with the key that a list of common keys gave away."""
    key = key_of(token, WEAK_KEYS)
    if key is not None:
        text = signed(token.header, {**token.claims, "exp": int(time.time()) + HOUR_S}, key.encode())
        what = f"a token that we signed ourselves: its key stands in a list of {len(WEAK_KEYS)} common keys"
        yield Forgery("weak-key", text, what, "Anybody guesses the key offline and writes tokens for any user.", 521)


def _confused(token: Jwt, public_keys: tuple[str, ...]) -> Iterator[Forgery]:
    """Signed with HMAC, the public key for the secret: what a verifier accepts that lets the token choose the algorithm."""
    claims = {**token.claims, "exp": int(time.time()) + HOUR_S}
    texts = dict.fromkeys(form for pem in public_keys for form in (pem, pem.strip()))
    for number, text in enumerate(texts):
        name = f"confused-{number}" if number else "confused"
        made = signed({**token.header, "alg": "HS256"}, claims, text.encode())
        what = f"a token signed with the public key as if it were a secret ({token.algorithm} turned into HS256)"
        yield Forgery(name, made, what, "Anybody reads the public key and writes tokens for any user.", 347)


def _changed(token: Jwt, others: Mapping[str, Any]) -> Iterator[Forgery]:
    """Claims replaced under the old signature: who, as what, until when."""
    why = "Whoever has a token becomes another user, or an administrator, by editing it."
    header = token.signed.split(".")[0]
    for name in ("sub", "user_id", "userId", "uid", "id", "email", "username"):
        if name in token.claims:
            claims = {**token.claims, name: others.get(name, _other(token.claims[name]))}
            text = f"{header}.{_coded_json(claims)}.{token.signature}"
            yield Forgery(f"claim-{name}", text, f"a token whose claim {name} was edited", why, 345)
    for name in ("role", "roles", "scope", "is_admin", "isAdmin", "admin", "permissions"):
        if name in token.claims:
            value = others.get(name, _higher(token.claims[name]))
            text = f"{header}.{_coded_json({**token.claims, name: value})}.{token.signature}"
            yield Forgery(f"claim-{name}", text, f"a token whose claim {name} was edited", why, 345)
    later = {**token.claims, "exp": int(time.time()) + 10 * 365 * 24 * HOUR_S}
    yield Forgery("claim-exp", f"{header}.{_coded_json(later)}.{token.signature}", "a token whose end was put off", why, 345)


def _with_key(token: Jwt, key: bytes) -> Iterator[Forgery]:
    """Tokens with a good signature that must be refused for what they say."""
    now = int(time.time())
    past = {**token.claims, "iat": now - 3 * HOUR_S, "exp": now - HOUR_S}
    if "nbf" in token.claims:
        past["nbf"] = now - 3 * HOUR_S
    yield Forgery("expired", signed(token.header, past, key), "an expired token", "A token that leaked works for ever.", 613)
    for name in ("aud", "iss"):
        if name in token.claims:
            text = signed(token.header, {**token.claims, name: "somebody-else"}, key)
            yield Forgery(
                f"other-{name}",
                text,
                f"a token made for another system ({name})",
                "Tokens of other systems that share the key are accepted.",
            )


def _hs(token: Jwt) -> dict[str, Any]:
    return {**token.header, "alg": token.algorithm if token.algorithm in HASHES else "HS256"}


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 if value != 1 else 2
    text = str(value)
    return str(int(text) + 1) if text.isdigit() else f"other-{text}"


def _higher(value: Any) -> Any:
    """A claim of more rights; always another value, or nothing would be forged."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "admin"] if "admin" not in value else [*value, "root"]
    if isinstance(value, int):
        return value + 1
    return "admin" if value != "admin" else "root"


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _coded_json(data: Mapping[str, Any]) -> str:
    return _coded(json.dumps(data, separators=(",", ":")).encode())


def _decoded(part: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
