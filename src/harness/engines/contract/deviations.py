"""The ways in which an exchange breaks its contract, and how each is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jsonschema.exceptions import ValidationError

from harness.engines.contract.exchange import Answer, Complaint, Exchange
from harness.engines.contract.validating import member_path
from harness.engines.contract.violations import Judgement
from harness.probes.openapi.document import Operation


class Rule(StrEnum):
    """The ways in which an operation breaks its contract."""

    SERVER_ERROR = "contract.server-error"
    STATUS = "contract.undocumented-status"
    MEDIA_TYPE = "contract.media-type"
    HEADERS = "contract.response-headers"
    RESPONSE = "contract.response-schema"
    INVALID_ACCEPTED = "contract.invalid-accepted"
    VALID_REFUSED = "contract.valid-refused"
    METHOD = "contract.undeclared-method"
    ALLOW = "contract.allow-header"
    NO_AUTHENTICATION = "contract.no-authentication"
    AFTER_DELETE = "contract.available-after-delete"
    AFTER_CREATE = "contract.missing-after-create"
    ENDLESS = "contract.endless-answer"
    SILENT = "contract.no-answer"
    DIED = "contract.target-died"
    LOGGED_OUT = "contract.logged-out"
    OTHER = "contract.check"


@dataclass(frozen=True)
class Deviation:
    """One broken promise in one exchange.

    `parameter` tells two defects of one operation apart (a parameter, a member, a status) and goes into the fingerprint.
    `what` is said after the operation's name. `noise` is set for what is a framework's habit, no defect, and says which.
    `snippet` is a text of the answer's body that shows the defect, `lacks` one that should be in it, `header` a header that shows
    it. `shared` is equal for deviations of several operations that have one cause (a schema that all use). `replayable` is false
    for what takes more than one request.
    """

    rule: Rule
    parameter: str
    what: str
    expected: str
    observed: str
    noise: str = ""
    snippet: str = ""
    lacks: str = ""
    header: str = ""
    shared: str = ""
    replayable: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Two deviations of one operation with the same key are one defect."""
        return (self.rule, self.parameter)


def server_error(answer: Answer) -> Deviation:
    """A 5xx."""
    return Deviation(
        Rule.SERVER_ERROR,
        "",
        f"fails with {answer.status}",
        "No request may make the server fail; what it cannot serve it refuses with a 4xx.",
        f"status {answer.status}",
    )


def endless(answer: Answer) -> Deviation:
    """An answer that was cut at its bound of size or time."""
    return Deviation(
        Rule.ENDLESS,
        "",
        f"gives an answer without end ({answer.cut})",
        "An answer of bounded size, sent in bounded time.",
        f"status {answer.status} with a body {answer.cut}",
    )


def parsing_noise(answer: Answer, judgement: Judgement) -> str:
    """A request that could not even be parsed is refused by the framework, before the platform's own code and document."""
    unparsed = any(v.keyword in ("unparsable", "undeclared") for v in judgement.violations)
    if unparsed and answer.status in (400, 405, 406, 411, 413, 414, 415, 422, 431):
        return f"a request that cannot be parsed is refused by the framework with an undocumented {answer.status}"
    return ""


def headers(answer: Answer, complaint: Complaint) -> Iterable[Deviation]:
    """Headers that are declared as required and are not there."""
    names = complaint.missing_headers or tuple(filter(None, (complaint.where,)))
    missing = [name for name in names if name.lower() not in answer.headers]
    return [
        Deviation(
            Rule.HEADERS,
            name,
            f"leaves out the header {name} from a {answer.status} answer",
            f"The header {name}, which is declared as required.",
            f"status {answer.status} without {name}",
            header=name,
        )
        for name in missing
    ]


def schema_deviation(error: ValidationError, answer: Answer) -> Deviation:
    """One error of an answer against its schema."""
    path = member_path(error.absolute_path)
    kind = str(error.validator)
    wanted: Any = error.validator_value
    lacks = ""
    if kind == "required":
        missing = next((key for key in wanted if key not in error.instance), "")  # type: ignore[operator]
        path = f"{path}.{missing}".lstrip(".")
        what, seen = f"answers {answer.status} without the member `{path}`", f"no member `{path}`"
        expected = f"The member `{path}`, which the document declares as required."
        lacks = json.dumps(missing) if json.dumps(missing) not in answer.body else ""
    elif kind in ("additionalProperties", "unevaluatedProperties"):
        what, seen = f"answers {answer.status} with members that are not declared", error.message[:160]
        expected = "Only the members that the document declares."
    else:
        shown = json.dumps(error.instance, ensure_ascii=True)[:80]
        limit = json.dumps(wanted, ensure_ascii=True)[:80]
        what = f"answers {answer.status} with a `{path or 'body'}` that breaks its schema"
        expected, seen = f"`{path or 'body'}` with {kind} {limit}.", f"`{path or 'body'}` = {shown}"
    observed = f"status {answer.status} with {seen}"
    snippet, shared = _snippet(error, answer), _shared(error, path)
    return Deviation(Rule.RESPONSE, path, what, expected, observed, snippet=snippet, lacks=lacks, shared=shared)


def _shared(error: ValidationError, path: str) -> str:
    """Equal for the same member of the same schema, whichever operation's answer it stands in."""
    schema = json.dumps(error.schema, sort_keys=True, default=str)
    key = f"{error.validator}\n{path.rsplit('.', 1)[-1]}\n{schema}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _snippet(error: ValidationError, answer: Answer) -> str:
    """The text of the answer that is wrong (`"score": "12"`), where it can be found as it was written."""
    last = error.absolute_path[-1] if error.absolute_path else None
    if not isinstance(last, str) or error.validator == "required":
        return ""
    value = json.dumps(error.instance, ensure_ascii=False)
    candidates = (f'"{last}":{value}', f'"{last}": {value}')
    return next((text for text in candidates if text in answer.body and len(text) <= 200), "")


def refusal_reason(answer: Answer) -> str:
    """What the answer gives as its reason, shortened."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    for name in ("detail", "message", "title", "error"):
        if data.get(name):
            return str(data[name])[:160]
    return ""


_REFUSES_METHOD = (401, 403, 404, 501)  # not as RFC 9110 would have it (405), but nothing is done
_SELDOM_KNOWN = ("TRACE", "QUERY", "CONNECT")  # a server that cannot read the method answers 400; a route that can is a way in
_NOT_IMPLEMENTED = 501


def knows_no_such_method(exchange: Exchange, operation: Operation, answer: Answer) -> bool:
    """Whether the server says that it has no such method at all (RFC 9110, 15.6.2): a refusal, and no failure of the server."""
    return answer.status == _NOT_IMPLEMENTED and exchange.sent.method.upper() != operation.method


def method(exchange: Exchange, operation: Operation, answer: Answer, complaint: Complaint) -> Iterable[Deviation]:
    """An answer to a method that the path does not declare, or to OPTIONS."""
    method = exchange.sent.method.upper()
    if complaint.code == "ST205":
        what = f"names other methods in the Allow header ({answer.headers.get('allow', '')}) than the document declares"
        noise = "frameworks answer OPTIONS with the methods of one route"
        return (Deviation(Rule.ALLOW, "Allow", what, "The declared methods.", f"status {answer.status}", noise=noise),)
    if method == operation.method:
        return ()
    if answer.status == 405:
        if "allow" in answer.headers:
            return ()
        what = f"answers {method} with 405 without an Allow header"
        return (Deviation(Rule.METHOD, "Allow", what, "An Allow header (RFC 9110, 15.5.6).", "no Allow header", header="Allow"),)
    return (undeclared_method(method, answer),)


def undeclared_method(method: str, answer: Answer) -> Deviation:
    """An answer other than 405 to a method that the path does not declare."""
    is_refused = answer.status in _REFUSES_METHOD or (answer.status == 400 and method in _SELDOM_KNOWN)
    return Deviation(
        Rule.METHOD,
        method,
        f"answers {method}, which the document does not declare, with {answer.status}",
        "405 Method Not Allowed.",
        f"status {answer.status}",
        noise="servers refuse a method that no route has in their own way" if is_refused else "",
    )


def unauthenticated(operation: Operation, answer: Answer, exchange: Exchange) -> Iterable[Deviation]:
    """A success without the credential that the document demands."""
    if not operation.is_secured or exchange.credential or not 200 <= answer.status < 300:
        return ()
    return (
        Deviation(
            Rule.NO_AUTHENTICATION,
            "",
            "answers without a valid credential",
            "401: the document demands a credential.",
            f"status {answer.status} to a request without a valid credential",
        ),
    )


def other(complaint: Complaint, answer: Answer) -> Deviation:
    """A check whose subject takes more than one exchange, or more than we can read: the engine's own words."""
    if complaint.code == "ST301":
        freed = f"`{complaint.before[-1].method} {complaint.before[-1].path}`" if complaint.before else "the deletion"
        what, expected = "still gives what was deleted", "404: the object was deleted, and the deletion was acknowledged."
        observed = f"status {answer.status}, after {freed} had succeeded"
        return Deviation(Rule.AFTER_DELETE, "", what, expected, observed, replayable=False)
    if complaint.code == "ST302":
        what, expected = "does not give what was created just before", "The object: its creation was acknowledged."
        observed = f"status {answer.status}, right after its creation had succeeded"
        return Deviation(Rule.AFTER_CREATE, "", what, expected, observed, replayable=False)
    words = " ".join(complaint.message.split())[:300]
    expected = "What the document and HTTP promise."
    return Deviation(
        Rule.OTHER, complaint.code, complaint.title.lower(), expected, f"status {answer.status} ({words})", replayable=False
    )
