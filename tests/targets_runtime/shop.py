"""A small platform that behaves, or misbehaves, as the first argument says. Run as a script; standard library only."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

BOMB = gzip.compress(bytes(50 * 1024 * 1024))


class Shop(BaseHTTPRequestHandler):
    mode = ""

    def do_GET(self) -> None:
        if self.path == "/health":
            said = {"pid": os.getpid(), "client": self.client_address[0]}
            self.answer(503 if self.mode == "unhealthy" else 404 if self.mode == "no-health" else 200, said)
        elif self.path == "/environment":
            self.answer(200, dict(os.environ))
        elif self.path == "/me":
            self.answer(
                200,
                {
                    "authorization": self.headers.get("Authorization"),
                    "cookie": self.headers.get("Cookie"),
                    "key": self.headers.get("X-Key"),
                },
            )
        elif self.path == "/bomb":
            self.raw(200, BOMB, {"Content-Encoding": "gzip"})
        elif self.path == "/packed":
            self.raw(200, gzip.compress(b"hello"), {"Content-Encoding": "gzip", "Content-Type": "text/plain"})
        elif self.path == "/strange":
            self.raw(200, b"\x00", {"Content-Encoding": "br"})
        elif self.path == "/long":
            self.raw(200, bytes(11 * 1024 * 1024), {})
        elif self.path == "/away":
            self.raw(302, b"", {"Location": "http://example.test/"})
        elif self.path == "/die":
            os._exit(9)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = (
            json.loads(body)
            if "json" in self.headers["Content-Type"]
            else {key: value[0] for key, value in parse_qs(body).items()}
        )
        if sent.get("password") != os.environ["SHOP_PASSWORD"]:
            self.answer(401, {"message": f"the password {sent.get('password')} is wrong"})
        elif self.path == "/login":
            self.answer(200, {"data": {"token": f"token-of-{sent['email']}"}})
        elif self.path == "/page-login":
            self.raw(302, b"", {"Set-Cookie": f"sid=session-of-{sent['email']}; Path=/; HttpOnly", "Location": "/"})
        elif self.path == "/empty-login":
            self.answer(200, {"data": {}})

    def answer(self, status: int, content: object) -> None:
        self.raw(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def raw(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def main(mode: str, host: str, port: int) -> None:
    Shop.mode = mode
    if mode == "ends":
        sys.stderr.write(f"the key {os.environ['SHOP_KEY']} is refused\nlast words\n")
        sys.exit(3)
    if mode == "hangs":
        sys.stderr.write("thinking\n")
        time.sleep(60)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "daemon":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        sys.stderr.write(f"child {child.pid}\n")
    if mode == "slow":
        time.sleep(0.5)
    ThreadingHTTPServer((host, port), Shop).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
