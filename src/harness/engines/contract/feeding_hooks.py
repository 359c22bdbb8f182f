"""Puts into valid requests what only the running target knows, just before they are sent: versions, passwords, a live session.

Everything here is by counting, never by chance: every `STALE_EACH`th valid request goes out as it was generated, so that stale
versions and wrong passwords are tried as well.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import schemathesis
from schemathesis.core.transport import Response
from schemathesis.engine.errors import is_connection_refused
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.schemas import BaseSchema

from harness.engines.contract.bounded import Disguise
from harness.engines.contract.exchange import Sent
from harness.engines.contract.job import Freshness, Job, LoggedOut, SignInWanted, Trouble
from harness.engines.contract.line import Line
from harness.engines.contract.reading import sent_of
from harness.engines.contract.validating import SchemaChecker, Unjudgeable
from harness.engines.contract.versions import find_member
from harness.probes.http.drafts import text_of
from harness.probes.http.files import samples
from harness.probes.http.raw_bytes import as_bytes
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.body_places import placed
from harness.probes.scene.passwords import asks_new

STALE_EACH = 4
SIGN_INS_MAX = 200
NEW_KINDS_FACTOR = 4  # how much further cases of a new kind may go beyond an operation's number
_UNAUTHENTICATED = 401
_FILE_REFUSALS = (400, 413, 415, 422)
_REDIRECTS_FROM = 300
_RECENT = 3


class Feeder:
    """The hooks of one job; `hook_into` registers them."""

    def __init__(self, job: Job, line: Line, disguise: Disguise) -> None:
        self._job = job
        self._line = line
        self._disguise = disguise
        self._session = requests.Session()
        self._document = Document.of(job.document)
        self._checker = SchemaChecker(self._document)
        self._turns: Counter[str] = Counter()
        self._fed: Counter[str] = Counter()
        self._refused_files: Counter[str] = Counter()  # by operation, until one is taken
        self._takes_files: set[str] = set()
        self._case_counts: Counter[tuple[str, str]] = Counter()
        self._kinds: set[tuple[str, ...]] = set()
        self._sign_ins = 0
        self._session_over = False
        self._known_good = job.base_url + job.watch if job.watch else ""
        self._recent: deque[tuple[str, Sent]] = deque(maxlen=_RECENT)
        self._refused = False
        self._lost: LoggedOut | None = None

    def hook_into(self, schema: BaseSchema) -> None:
        """Registers the hooks: on the schema where that is possible, else for the process, which runs one job only."""

        def before_call(_: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
            self._before_call(case, kwargs)

        def after_call(_: HookContext, case: Case[Any], response: Response) -> None:
            self._after_call(case, response)

        def filter_case(_: HookContext, case: Case[Any]) -> bool:
            return self._is_within_bounds(case)

        schemathesis.hook(before_call)
        schema.hook(after_call)
        schema.hook(filter_case)

    def take_lost_session(self) -> LoggedOut | None:
        """Whether the session was lost since the last question, seen by a read that used to succeed; a new one is got then."""
        if not self._refused or self._lost is not None:
            return None
        self._refused = False
        if self._job.destroys or not self._known_good or self._status(self._known_good) != _UNAUTHENTICATED:
            return None
        operation = self._recent[-1][0] if self._recent else ""
        self._lost = LoggedOut(operation, tuple(sent for _, sent in self._recent))
        self._sign_in("")
        return self._lost

    # -- hooks

    def _is_within_bounds(self, case: Case[Any]) -> bool:
        """Holds an operation to its number of enumerated cases; of drawn ones the engine itself draws no more.

        The first case of each kind (this limit of that parameter, or member) goes before further ones of a kind that was tried.
        """
        phase = case.meta.phase.name.value if case.meta else ""
        if case.meta is None or phase not in ("examples", "coverage"):
            return True
        name, data = case.operation.label, case.meta.phase.data
        member = (data.description or "").rpartition(": ")[0]  # "seats: Value greater than maximum"
        kind = (name, str(data.parameter_location), str(data.parameter), member, str(getattr(data, "scenario", "")))
        is_new = kind not in self._kinds
        self._kinds.add(kind)
        allowed = self._job.cases.get(name, 0) * (NEW_KINDS_FACTOR if is_new else 1)
        if self._case_counts[phase, name] >= allowed:
            return False
        self._case_counts[phase, name] += 1
        return True

    def _before_call(self, case: Case[Any], kwargs: dict[str, Any]) -> None:
        if self._session_over:
            self._sign_in("")
        name = case.operation.label
        fresh, members, file = self._job.fresh.get(name), self._job.bodies.get(name), self._job.files.get(name)
        places = self._job.places.get(name)
        if not (fresh or members or places or file) or case.method.upper() != name.split(" ", 1)[0]:
            return
        self._turns[name] += 1
        if self._turns[name] % STALE_EACH == 0:
            return
        turn = self._fed[name]  # of the valid ones that are fed, so that every id has its turn
        self._fed[name] += _is_valid(case)
        for member, value in (members or {}).items():
            self._put(case, member, value[turn % len(value)] if isinstance(value, tuple) else value)
        for place, ids in (places or {}).items() if _is_valid(case) else ():
            case.body = placed(case.body, place, ids[turn % len(ids)], {})
        if fresh:
            self._freshen(case, fresh)
        if file and isinstance(case.body, dict) and _is_valid(case):
            kwargs["files"] = self._parts(name, case.body, file)

    def _parts(self, name: str, body: dict[str, Any], member: str) -> list[tuple[str, tuple[Any, ...]]]:
        """The parts of a multipart body, with a file of another common kind until one is taken.

        Passed beside the case: what is drawn for a file has neither a name nor a type that a platform would take, and a body with
        bytes in it counts as invalid.
        """
        known = samples(member, f"{self._job.seed} {name} {self._turns[name]}")
        file = known[self._refused_files[name] % len(known)]
        plain = [(key, (None, text_of(value))) for key, value in body.items() if key != member]
        return [*plain, (member, (file.name, as_bytes(file.content), file.media_type))]

    def _put(self, case: Case[Any], member: str, value: Any) -> None:
        """Sets a member of the body. An invalid request keeps what makes it invalid, and gets the rest right all the same."""
        if not isinstance(case.body, dict):
            return
        if not _is_valid(case) and (
            member not in case.body or not self._is_allowed(case.operation.label, member, case.body[member])
        ):
            return
        case.body = {**case.body, member: value}

    def _is_allowed(self, operation: str, member: str, value: Any) -> bool:
        found = self._document.find(*operation.split(" ", 1))
        body = found.body if found else None
        if body is None:
            return False
        try:
            schema = self._document.schemas.resolve(body.schema).get("properties", {}).get(member, {})
            return not self._checker.errors(schema, value)
        except (SchemaError, Unjudgeable):
            return False

    def _after_call(self, case: Case[Any], response: Response) -> None:
        name, status = case.operation.label, response.status_code
        if name in self._job.files and _is_valid(case) and name not in self._takes_files:
            self._refused_files[name] += status in _FILE_REFUSALS
            self._takes_files.update({name} if status < _REDIRECTS_FROM else ())
        if 200 <= status < 300:
            if name in self._job.destroys:
                self._take_over(case)
            elif case.method != "GET":
                self._recent.append((name, sent_of(response.request, self._job)))
            elif name in self._job.secured and not self._known_good:
                self._known_good = str(response.request.url)
        elif status == _UNAUTHENTICATED and name in self._job.secured and _is_valid(case):
            self._refused = True
            self._session_over = bool(self._job.destroys)

    # -- what they do

    def _take_over(self, case: Case[Any]) -> None:
        """After an operation that ends the session: the role's password may be a new one now."""
        operation = self._document.find(*case.operation.label.split(" ", 1))
        password = _new_password(operation, case.body) if operation and case.method in ("PUT", "POST", "PATCH") else ""
        self._session_over = True
        if password:
            self._sign_in(password)

    def _sign_in(self, password: str) -> None:
        self._session_over = False
        self._sign_ins += 1
        if self._sign_ins > SIGN_INS_MAX:
            return
        answer = self._line.ask(SignInWanted(password))
        if answer is not None:
            self._disguise.headers = dict(answer.headers)
            self._disguise.texts = dict(answer.texts)

    def _freshen(self, case: Case[Any], fresh: Freshness) -> None:
        address = self._job.base_url + _filled(fresh.reader, case.path_parameters)
        response = self._get(address, reader=f"GET {fresh.reader}")
        if response is None or response.status_code != requests.codes.ok:
            return
        if fresh.header and response.headers.get("ETag") and _is_valid(case):
            case.headers[fresh.header] = response.headers["ETag"]
        found = find_member(_json(response.content), fresh.member) if fresh.member else None
        if found is not None:
            self._put(case, fresh.member, found)

    def _status(self, address: str) -> int:
        response = self._get(address)
        return response.status_code if response is not None else 0

    def _get(self, address: str, reader: str = "") -> requests.Response | None:
        """Reads an address with the credential; None where nothing came back, which is said unless nobody listens at all."""
        headers = {name: marker for name, (marker, _) in self._job.secrets.headers.items()}
        try:
            return self._session.get(address, headers=headers, timeout=self._job.request_seconds, allow_redirects=False)
        except (requests.ConnectionError, requests.Timeout) as error:
            if reader and not (isinstance(error, requests.ConnectionError) and is_connection_refused(error)):
                kind = "silent" if isinstance(error, requests.Timeout) else "connection"
                sent = Sent("GET", urlsplit(address).path)
                self._line.say(Trouble(reader, "", kind, f"{type(error).__name__}: {error}"[:500], sent))
        except requests.RequestException:
            pass  # what is wrong with such an answer shows in the operation's own cases
        return None


def _is_valid(case: Case[Any]) -> bool:
    return case.meta is None or case.meta.generation.mode.is_positive


def _filled(template: str, values: dict[str, Any]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", quote(str(value), safe=""))
    return template


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _new_password(operation: Operation, body: Any) -> str:
    """The password that a body sets."""
    if not isinstance(body, dict):
        return ""
    return next((value for name, value in body.items() if isinstance(value, str) and asks_new(operation, name)), "")
