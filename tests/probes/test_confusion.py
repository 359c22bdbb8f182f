"""A verifier that lets the token choose its algorithm, on a platform that signs with a private key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import pytest

from harness.model.finding import Confidence
from harness.model.target import Limits
from harness.probes.http.forging import read_jwt, signed
from harness.probes.http.public_keys import public_keys, rsa_pem
from harness.probes.sessions.sessions import SessionsRun
from harness.targets.live import LiveTarget
from tests.probes.servers.gate_server import DOCUMENT, Gate, target
from tests.probes.servers.small_http import Asked, Given, served

EXPONENT = 65_537
# PKCS #1 version 1.5 (RFC 8017, 9.2): what stands before a SHA-256 digest.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def is_prime(number: int) -> bool:
    """Miller and Rabin's test, with forty random bases."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(40):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def prime(bits: int) -> int:
    while True:
        found = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if found % EXPONENT != 1 and is_prime(found):
            return found


@cache
def key() -> tuple[int, int]:
    """Modulus and private exponent, made anew for each run."""
    p, q = prime(512), prime(512)
    return p * q, pow(EXPONENT, -1, (p - 1) * (q - 1))


def padded(text: str) -> int:
    digest = DIGEST_INFO + hashlib.sha256(text.encode()).digest()
    return int.from_bytes(b"\0\1" + b"\xff" * (128 - 3 - len(digest)) + b"\0" + digest, "big")


def coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Signer:
    """The gate with signed tokens. Its defect is to verify by the algorithm that the token names."""

    defects: frozenset[str] = frozenset()
    gate: Gate = field(default_factory=lambda: Gate(limits=Limits()))

    def answer(self, asked: Asked) -> Given:
        if asked.path == "/.well-known/jwks.json":
            modulus = coded(key()[0].to_bytes(128, "big"))
            return Given(200, {"keys": [{"kty": "RSA", "alg": "RS256", "n": modulus, "e": coded(b"\1\0\1")}]})
        if asked.path in ("/me", "/notes"):
            whose = self._verified(asked.token)
            return Given(200, {"of": whose}) if whose else Given(401, {"error": "log in"})
        given = self.gate.answer(asked)
        if asked.path == "/login" and given.status == 200:
            return Given(200, {"token": self._signed(str(asked.body["email"]))})
        return given

    def _signed(self, whose: str) -> str:
        claims = {"sub": whose, "iat": int(time.time()), "exp": int(time.time()) + 600}
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        text = ".".join(coded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{coded(pow(padded(text), key()[1], key()[0]).to_bytes(128, 'big'))}"

    def _verified(self, token: str) -> str:
        jwt = read_jwt(token)
        if jwt is None or jwt.claims.get("exp", 0) < time.time():
            return ""
        if jwt.algorithm == "HS256" and "token-chooses" in self.defects:
            expected = signed({**jwt.header}, jwt.claims, rsa_pem(key()[0], EXPONENT).encode())
            return str(jwt.claims["sub"]) if hmac.compare_digest(expected, token) else ""
        signature = base64.urlsafe_b64decode(jwt.signature + "=" * (-len(jwt.signature) % 4))
        good = jwt.algorithm == "RS256" and pow(int.from_bytes(signature, "big"), EXPONENT, key()[0]) == padded(jwt.signed)
        return str(jwt.claims["sub"]) if good else ""


@dataclass
class Signers:
    """Fresh ones."""

    defects: frozenset[str] = frozenset()
    isolated: bool = True

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        assert label
        with served(target(Limits()), Signer(self.defects).answer) as live:
            yield live


def attacked(*defects: str) -> SessionsRun:
    return SessionsRun(Signers(frozenset(defects)), DOCUMENT, seed=1).run()


def test_a_verifier_that_knows_its_algorithm_is_not_blamed_and_the_confusion_was_tried() -> None:
    run = attacked()
    assert run.findings == []
    assert all("confused" in dict(item.tried) for item in run.attacked if item.operation == "GET /me")


def test_a_verifier_that_lets_the_token_choose_is_found_once_and_twice() -> None:
    found = attacked("token-chooses").findings
    assert [(finding.rule, finding.confidence) for finding in found] == [("sessions.accepts-confused", Confidence.HIGH)]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl here to read the key")
def test_a_public_key_reads_as_every_tool_writes_it() -> None:
    modulus = key()[0]
    shown = subprocess.run(
        ["openssl", "pkey", "-pubin", "-noout", "-text"],
        input=rsa_pem(modulus, EXPONENT),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout
    assert "Public-Key: (1024 bit)" in shown
    assert f"Exponent: {EXPONENT}" in shown


@pytest.mark.parametrize(
    "data", [None, [], {"keys": 1}, {"keys": [{"kty": "RSA"}, {"kty": "EC"}, 3]}, {"keys": [{"kty": "RSA", "n": "!", "e": 1}]}]
)
def test_a_key_set_that_is_none_gives_no_key(data: object) -> None:
    assert public_keys([("nothing", data)]) == ()
