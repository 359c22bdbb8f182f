"""A platform that does everything wrong, as the first argument says. Run as a script; standard library only.

`python hostile.py MODE HOST PORT [ELSEWHERE]`. A role logs in at `/login`; everything else answers as the mode says.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import secrets
import sys
import time
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOURS_S = 3600.0
BLOCK = bytes(1 << 20)
BLOCKS = 4096  # of a megabyte each: four gigabytes
TOKEN_USES = 3  # requests until the modes `logs-out` and `locks` end a session
LOG_INS = 2  # until the mode `locks` locks an account

tokens: set[str] = set()
uses: dict[str, int] = {}
log_ins: dict[str, int] = {}


def bomb() -> tuple[bytes, bytes, int]:
    """A gzip stream of four gigabytes in four megabytes: its head, and a block that may be repeated so many times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10], block, BLOCKS


class Hostile(BaseHTTPRequestHandler):
    mode = ""
    elsewhere = ""

    def do_GET(self) -> None:
        if self.mode == "deadly" and self.path == "/.env":
            os._exit(1)
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.refused():
            return
        elif self.mode == "silent":
            self.hang()
        elif self.mode == "answers":
            self.misbehave(self.path.split("?")[0].split("/")[1])
        elif self.mode == "random":
            self.answer(random.choice([200, 200, 201, 400, 404, 409, 418, 500]), random.choice([{}, [], {"items": 7}, None, "x"]))
        else:
            self.answer(200, {"items": [{"id": 1, "name": "thing"}]})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, 1 << 20))
        if self.path == "/login":
            self.log_in(body)
        else:
            self.do_GET()

    do_PUT = do_PATCH = do_DELETE = do_POST

    def log_in(self, body: bytes) -> None:
        try:
            sent = json.loads(body)
            name = str(sent["email"])
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": "not understood"})
            return
        log_ins[name] = log_ins.get(name, 0) + 1
        if self.mode == "limits" and log_ins[name] > 2:
            self.answer(429, {"error": "slow down"})
        elif self.mode == "locks" and log_ins[name] > LOG_INS:
            self.answer(423, {"error": "the account is locked"})
        elif sent.get("password") != os.environ["HOSTILE_PASSWORD"]:
            self.answer(401, {"error": "refused"})
        else:
            token = secrets.token_hex(16)
            tokens.add(token)
            self.answer(200, {"token": token})

    def refused(self) -> bool:
        """Whether the request was answered already, for want of a session."""
        if self.mode == "open":
            return False
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        uses[token] = uses.get(token, 0) + 1
        if self.mode == "limits":
            self.answer(429, {"error": "slow down"})
        elif token not in tokens or (self.mode in ("logs-out", "locks") and uses[token] > TOKEN_USES):
            self.answer(401, {"error": "log in"})
        else:
            return False
        return True

    def misbehave(self, how: str) -> None:
        ways = {
            "hangs": self.hang,
            "streams": self.stream,
            "gigabytes": self.gigabytes,
            "bomb": self.bomb,
            "redirects": lambda: self.raw(302, {"Location": f"{self.elsewhere}/stolen"}),
            "garbage": lambda: self.wfile.write(b"\x00\xffnot HTTP at all\r\n\r\n"),
            "closes": lambda: None,
            "lies": lambda: self.raw(207, {"Content-Type": "application/json", "Content-Length": "9"}, b"<html>lie"),
            "deep": lambda: self.raw(200, {"Content-Type": "application/json"}, b"[" * 200_000),
        }
        with suppress(BrokenPipeError, ConnectionResetError):
            ways.get(how, lambda: self.answer(200, {"items": [{"id": 1, "name": "thing"}]}))()
        self.close_connection = True

    def hang(self) -> None:
        time.sleep(HOURS_S)

    def stream(self) -> None:
        self.raw(200, {"Content-Type": "application/json"}, b"[")
        deadline = time.monotonic() + HOURS_S
        while time.monotonic() < deadline:
            self.wfile.write(b"1,")
            time.sleep(0.05)

    def gigabytes(self) -> None:
        self.raw(200, {"Content-Type": "application/json", "Content-Length": str(BLOCKS * len(BLOCK))})
        for _ in range(BLOCKS):
            self.wfile.write(BLOCK)

    def bomb(self) -> None:
        head, block, times = bomb()
        self.raw(200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, head)
        for _ in range(times):
            self.wfile.write(block)

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.raw(status, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body)

    def raw(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def main(mode: str, host: str, port: int, elsewhere: str = "") -> None:
    Hostile.mode, Hostile.elsewhere = mode, elsewhere
    ThreadingHTTPServer((host, port), Hostile).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
