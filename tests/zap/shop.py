"""A small shop in a process of its own: the target of the scans, with a hole and with ways to fail that its variables switch on.

Buyers have a cookie, admins a bearer token and, behind a form of their own, pages with a cookie. `SHOP_ECHO` (and, on those
pages, `SHOP_DESK_ECHO`) puts what is searched for into the page as it is; `SHOP_FORM` puts a form on its first page, whose posts
(as all that is written but log-ins) are noted in the file `written`; `SHOP_DIES_AFTER`
ends the process and `SHOP_FORGETS_AFTER` all sessions after so many requests; `SHOP_SLOW_S` makes each answer to a scanner wait,
and `SHOP_DENIES` makes it a 401.
"""

from __future__ import annotations

import html
import json
import os
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

USERS = {"ann": "buyer", "ada": "admin"}
DIES_AFTER = int(os.environ.get("SHOP_DIES_AFTER", "0"))
FORGETS_AFTER = int(os.environ.get("SHOP_FORGETS_AFTER", "0"))
sessions: dict[str, str] = {}
desks: set[str] = set()
FORM = "<form method='post' action='/desk/login'><input name='username'><input name='password' type='password'></form>"
DESK = """<h1>Desk</h1><a href='/desk/find?word=chair'>Find</a> <a href='/desk/list'>List</a>
<form method='post' action='desk/logout'><button>Leave</button></form>"""
CONTACT = "<form method='post' action='/contact'><input name='text'></form>" if os.environ.get("SHOP_FORM") else ""
orders = {1: "two chairs", 2: "a table"}
seen = 0


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.count()
        address = urlsplit(self.path)
        if address.path == "/":
            return self.say(200, f"<h1>Shop</h1><a href='/about'>About</a>{CONTACT}", "text/html")
        if address.path == "/health":
            return self.say(200, {"ok": True})
        if address.path.startswith("/desk"):
            return self.desk(address.path, parse_qs(address.query))
        if (role := self.role()) is None:
            return self.say(401, {"error": "log in first"})
        if address.path == "/me":
            return self.say(200, {"role": role})
        if address.path == "/search":
            text = parse_qs(address.query).get("q", [""])[0]
            return self.say(200, f"<p>{text if os.environ.get('SHOP_ECHO') else html.escape(text)}</p>", "text/html")
        if address.path == "/orders":
            return self.say(200, {"orders": [{"id": number, "note": note} for number, note in orders.items()]})
        if address.path.startswith("/orders/") and (number := address.path.split("/")[2]).isdigit() and int(number) in orders:
            return self.say(200, {"id": int(number), "note": orders[int(number)]})
        return self.say(404, {"error": "not here"})

    def do_POST(self) -> None:
        self.count()
        self.note()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
        if self.path.startswith("/desk"):
            return self.desk_post(parse_qs(body))
        try:
            given = json.loads(body or "{}")
        except ValueError:
            return self.say(400, {"error": "no JSON"})
        if self.path in ("/login", "/token"):
            return self.log_in(given)
        if self.role() is None:
            return self.say(401, {"error": "log in first"})
        if self.path == "/logout":
            sessions.pop(self.credential(), None)
            return self.say(200, {"ok": True})
        if self.path == "/orders":
            return self.say(201, {"id": 3, "note": str(given.get("note", ""))})
        return self.say(404, {"error": "not here"})

    def do_DELETE(self) -> None:
        self.count()
        self.note()
        orders.pop(int(self.path.rsplit("/", 1)[1]), None)
        self.say(200, {"ok": True})

    def note(self) -> None:
        if os.environ.get("SHOP_FORM") and not self.path.endswith(("/login", "/token")):
            with Path("written").open("a", encoding="utf-8") as notes:
                notes.write(f"{self.command} {self.path}\n")

    def log_in(self, given: object) -> None:
        name, password = (given.get("username"), given.get("password")) if isinstance(given, dict) else ("", "")
        wanted = "buyer" if self.path == "/login" else "admin"
        if not isinstance(name, str) or USERS.get(name) != wanted or password != os.environ["SHOP_PASSWORD"]:
            return self.say(401, {"error": "wrong name or password"})
        token = secrets.token_hex(16)
        sessions[token] = wanted
        if wanted == "admin":
            return self.say(200, {"token": token})
        return self.say(200, {"ok": True}, cookie=f"sid={token}; Path=/; HttpOnly; SameSite=Lax")

    def desk(self, path: str, query: dict[str, list[str]]) -> None:
        if path == "/desk/login":
            return self.say(200, FORM, "text/html")
        if self.cookies().get("desk") not in desks:
            return self.say(303, "", "text/html", location="/desk/login")
        if path == "/desk/home":
            return self.say(302, "", "text/html", location="/desk")
        if path == "/desk/find":
            word = query.get("word", [""])[0]
            return self.say(200, f"<p>{word if os.environ.get('SHOP_DESK_ECHO') else html.escape(word)}</p>", "text/html")
        return self.say(200, DESK, "text/html") if path in ("/desk", "/desk/list") else self.say(404, "nothing", "text/html")

    def desk_post(self, given: dict[str, list[str]]) -> None:
        if self.path == "/desk/logout":
            desks.discard(self.cookies().get("desk", ""))
            return self.say(303, "", "text/html", location="/desk/login")
        if given.get("username") != ["ada"] or given.get("password") != [os.environ["SHOP_PASSWORD"]]:
            return self.say(401, FORM, "text/html")
        desks.add(token := secrets.token_hex(16))
        return self.say(303, "", "text/html", cookie=f"desk={token}; Path=/desk; HttpOnly", location="/desk/home")

    def cookies(self) -> dict[str, str]:
        return dict(part.strip().partition("=")[::2] for part in self.headers.get("Cookie", "").split(";"))

    def credential(self) -> str:
        cookies = self.cookies()
        return cookies.get("sid") or self.headers.get("Authorization", "").removeprefix("Bearer ")

    def role(self) -> str | None:
        return sessions.get(self.credential())

    def count(self) -> None:
        global seen
        seen += 1
        if self.scans():
            time.sleep(float(os.environ.get("SHOP_SLOW_S", "0")))
        if DIES_AFTER and seen > DIES_AFTER:
            os._exit(3)
        if FORGETS_AFTER and seen > FORGETS_AFTER:
            sessions.clear()
            desks.clear()

    def scans(self) -> bool:
        """Whether it is who scans, not who prepares it."""
        return "python-httpx" not in self.headers.get("User-Agent", "")

    def say(self, status: int, what: object, kind: str = "application/json", cookie: str = "", location: str = "") -> None:
        if os.environ.get("SHOP_DENIES") and self.scans():
            status, what, cookie, location = 401, {"error": "log in first"}, "", ""
        text = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        for name, value in (("Set-Cookie", cookie), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
