"""A small platform that behaves, or misbehaves, as the first argument says. Run as a script; standard library only."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

BOMB = gzip.compress(bytes(50 * 1024 * 1024))


PAGE = '<meta name="csrf-meta" content="{0}"><form method="post"><input type="hidden" value="{0}" name=\'csrf\'></form>'
ODD: dict[str, tuple[int, bytes, dict[str, str]]] = {
    "/bomb": (200, BOMB, {"Content-Encoding": "gzip"}),
    "/packed": (200, gzip.compress(b"hello"), {"Content-Encoding": "gzip", "Content-Type": "text/plain"}),
    "/strange": (200, b"\x00", {"Content-Encoding": "br"}),
    "/long": (200, bytes(11 * 1024 * 1024), {}),
    "/away": (302, b"", {"Location": "http://example.test/"}),
}
members: dict[str, str] = {}
pages: set[str] = set()


class Shop(BaseHTTPRequestHandler):
    mode = ""

    def do_GET(self) -> None:
        if self.path == "/health":
            said = {"pid": os.getpid(), "client": self.client_address[0]}
            self.answer(503 if self.mode == "unhealthy" else 404 if self.mode == "no-health" else 200, said)
        elif self.path == "/environment":
            self.answer(200, dict(os.environ))
        elif self.path == "/me":
            names = {"authorization": "Authorization", "cookie": "Cookie", "key": "X-Key", "twin": "X-Twin"}
            names["forwarded"] = "X-Forwarded-For"
            self.answer(200, {name: self.headers.get(header) for name, header in names.items()})
        elif self.path.startswith("/login-page"):
            self.login_page()
        elif self.path in ODD:
            self.raw(*ODD[self.path])
        elif self.path == "/die":
            os._exit(9)

    def login_page(self) -> None:
        token = secrets.token_hex(8)
        pages.add(token)
        page = json.dumps({"csrf": {"token": token}}) if self.path.endswith(".json") else PAGE.format(token)
        self.raw(200, page.encode(), {"Set-Cookie": f"pre={token}; Path=/{'; Secure' if 'secure' in self.path else ''}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = (
            json.loads(body)
            if "json" in self.headers["Content-Type"]
            else {key: value[0] for key, value in parse_qs(body).items()}
        )
        if self.path == "/members":
            self.sign_up(sent)
        elif self.path == "/members-login":
            known = members.get(sent["email"]) == sent["password"]
            self.answer(200 if known else 401, {"data": {"token": f"token-of-{sent['email']}"}} if known else {})
        elif sent.get("password") != os.environ["SHOP_PASSWORD"]:
            self.answer(401, {"message": f"the password {sent.get('password')} is wrong"})
        elif self.path == "/login":
            self.answer(200, {"data": {"token": f"token-of-{sent['email']}"}})
        elif self.path == "/page-login":
            self.raw(302, b"", {"Set-Cookie": f"sid=session-of-{sent['email']}; Path=/; HttpOnly", "Location": "/"})
        elif self.path == "/guarded-login":
            given = sent.get("csrf") or self.headers.get("X-Csrf")
            good = given in pages and f"pre={given}" in (self.headers.get("Cookie") or "")
            self.raw(200 if good else 403, b"", {"Set-Cookie": f"sid=session-of-{sent['email']}; Path=/"} if good else {})
        elif self.path == "/empty-login":
            self.answer(200, {"data": {}})

    def sign_up(self, sent: dict[str, object]) -> None:
        refused = str(sent["email"]) in members or len(str(sent["phone"])) != 10 or sent["terms"] != {"accepted": True}
        if not refused:
            members[str(sent["email"])] = str(sent["password"])
        self.answer(409 if refused else 201, {"said": f"{sent['password']} is no good" if refused else "welcome"})

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
