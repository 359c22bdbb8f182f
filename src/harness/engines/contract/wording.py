"""Findings in the words of somebody who must mend them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engines.contract.deviations import Deviation, Rule
from harness.engines.contract.exchange import Exchange, Sent
from harness.engines.contract.reducing import request_of
from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.model.target import Target

STAGE = "contract"
ENGINE = "schemathesis"


@dataclass(frozen=True)
class Meaning:
    """What a rule's breach lets happen, and what mends it.

    `owasp` is of the API list of 2023: where platform and document say different things it is API9, the inventory that is not
    kept up to date.
    """

    severity: Severity
    why: str
    advice: str
    cwe: int = 0
    owasp: str = ""


_CLIENTS = "Clients are written and generated from the document; an answer that breaks it breaks them, often silently."
MEANINGS: dict[Rule, Meaning] = {
    Rule.SERVER_ERROR: Meaning(
        Severity.HIGH,
        "Anybody who sends such a request gets a failure instead of an answer; work may stop half-way, and what is not caught "
        "here is not thought through elsewhere.",
        "Find the exception in the server's log, check the value where it enters, and refuse it with a documented 4xx.",
        755,
        "API8:2023",
    ),
    Rule.STATUS: Meaning(
        Severity.MEDIUM,
        _CLIENTS,
        "Declare the status for this operation in the document, or answer with one that is declared.",
        1059,
        "API9:2023",
    ),
    Rule.MEDIA_TYPE: Meaning(
        Severity.MEDIUM,
        _CLIENTS,
        "Set the declared Content-Type on this answer, or declare the one that is sent.",
        436,
        "API8:2023",
    ),
    Rule.HEADERS: Meaning(
        Severity.MEDIUM,
        _CLIENTS,
        "Send the header with this answer, or no longer declare it as required.",
        684,
        "API8:2023",
    ),
    Rule.RESPONSE: Meaning(
        Severity.HIGH,
        _CLIENTS,
        "Give the answer the declared shape; where the new shape is meant, change the document as well.",
        684,
        "API9:2023",
    ),
    Rule.INVALID_ACCEPTED: Meaning(
        Severity.MEDIUM,
        "What the document forbids reaches the platform's code: limits that protect it do not hold, and data that nobody "
        "expects is stored, or ignored in silence.",
        "Check it on the server as the document says and answer 4xx, or document what is really allowed.",
        20,
        "API4:2023",
    ),
    Rule.VALID_REFUSED: Meaning(
        Severity.MEDIUM,
        "A client that keeps every documented rule is refused, and cannot know why before it tries.",
        "State the rule in the document (pattern, maximum, required …); if no schema can say it, add the status to "
        "`expected_statuses` of this operation in the target file, with a reason.",
        684,
        "API9:2023",
    ),
    Rule.METHOD: Meaning(
        Severity.MEDIUM,
        "A method that nobody documented is a way in that nobody tests or protects.",
        "Answer 405 with an Allow header to every method that the document does not declare.",
        650,
        "API9:2023",
    ),
    Rule.ALLOW: Meaning(Severity.LOW, "Tools trust the header.", "Name exactly the declared methods in Allow.", 684, "API9:2023"),
    Rule.NO_AUTHENTICATION: Meaning(
        Severity.CRITICAL,
        "Whoever finds the address can use it, without an account.",
        "Demand the credential before anything else is done; if the operation is meant to be public, say `security: []`.",
        306,
        "API2:2023",
    ),
    Rule.AFTER_DELETE: Meaning(
        Severity.HIGH,
        "What a user deleted is still there for whoever has its address.",
        "Make the object unreachable (404) once its deletion was acknowledged.",
        672,
        "API1:2023",  # who asks for an object by its id is not told whether it is still anybody's to have
    ),
    Rule.AFTER_CREATE: Meaning(
        Severity.MEDIUM,
        "A client that reads back what it has just created is told that it does not exist.",
        "Acknowledge a creation only when the object can be read.",
        440,  # no class of the list is about what comes too late
    ),
    Rule.ENDLESS: Meaning(
        Severity.HIGH,
        "One request holds a connection, memory and time of server and client without a bound.",
        "Bound the answer: pages, a limit on size, an end to streams.",
        400,
        "API4:2023",
    ),
    Rule.SILENT: Meaning(
        Severity.HIGH,
        "The client waits, and the server keeps a worker and a connection for it; a few such requests stop everybody.",
        "Find what it waits for; bound every wait, and answer with an error when the bound is reached.",
        400,
        "API4:2023",
    ),
    Rule.DIED: Meaning(
        Severity.CRITICAL,
        "One request ends the service for everybody.",
        "Find the cause in the server's last log lines; no request may end the process.",
        730,
        "API4:2023",
    ),
    Rule.LOGGED_OUT: Meaning(
        Severity.MEDIUM,
        "Users lose their session in the middle of their work, without having asked for it.",
        "End sessions only where a user, an administrator or a documented time limit asks for it; if the operation is meant to "
        "do so, mark it `destructive` in the target file.",
        440,  # not 613: the session ends too early, not too late
        "API2:2023",
    ),
    Rule.OTHER: Meaning(Severity.MEDIUM, _CLIENTS, "See the check's own words above.", 684),  # anything: no class of the list
}


@dataclass(frozen=True)
class Evidence:
    """What a finding rests on: the exchange that shows the deviation best, how often it was seen, and where else.

    `confirmed` says that it was seen a second time, on fresh data; `parameter` overrides the deviation's own.
    """

    exchange: Exchange
    deviation: Deviation
    count: int
    others: tuple[str, ...] = ()
    confirmed: bool = False
    parameter: str = ""
    before: tuple[Sent, ...] = ()


def finding_of(evidence: Evidence, target: Target) -> Finding:
    """The finding, with its smallest request and what to look for in the answer."""
    deviation, exchange = evidence.deviation, evidence.exchange
    meaning = MEANINGS[deviation.rule]
    method, route = exchange.operation.split(" ", 1)
    steps = steps_of(exchange, evidence.before, target)
    return Finding(
        rule=deviation.rule,
        title=f"{exchange.operation} {deviation.what}",
        severity=meaning.severity,
        confidence=Confidence.HIGH if evidence.confirmed else Confidence.MEDIUM,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        parameter=evidence.parameter or deviation.parameter,
        cwe=meaning.cwe,
        owasp=meaning.owasp,
        expected=deviation.expected,
        observed=_observed(evidence, steps[-1]),
        why=meaning.why,
        advice=meaning.advice,
        steps=steps,
        symptom=symptom_of(deviation, exchange),
    )


def steps_of(exchange: Exchange, before: Sequence[Sent], target: Target) -> tuple[Request, ...]:
    """The requests in order, each as one that can be kept."""
    chain = [Exchange(exchange.operation, exchange.role, exchange.phase, sent, None) for sent in before]
    return tuple(writable(request_of(step, target)) for step in (*chain, exchange))


def writable(request: Request) -> Request:
    """The request with what cannot be written as text replaced, so that it can be stored."""
    body = request.body.encode("utf-8", "replace").decode() if request.body else request.body
    headers = {name: value.encode("utf-8", "replace").decode() for name, value in request.headers.items()}
    return Request(request.method, request.path, request.role, request.user, headers, body)


def symptom_of(deviation: Deviation, exchange: Exchange) -> Symptom:
    """What a replay must look for."""
    status = exchange.answer.status if exchange.answer else 0
    if deviation.rule in (Rule.SERVER_ERROR, Rule.DIED, Rule.SILENT):
        return Symptom(server_error=True)
    if deviation.rule in (Rule.HEADERS, Rule.METHOD) and deviation.header:
        return Symptom(status=(status,), header_absent=deviation.header)
    if deviation.rule is Rule.MEDIA_TYPE and exchange.answer:
        return Symptom(status=(status,), header="content-type", header_value=exchange.answer.headers.get("content-type", ""))
    return Symptom(status=(status,) if status else (), body_contains=deviation.snippet, body_lacks=deviation.lacks)


_BODY_CHARACTERS_MAX = 200


def shown(request: Request) -> str:
    """`GET /api/leads?limit=101`, with a body where there is one, shortened."""
    text = f"`{request.method} {request.path[:_BODY_CHARACTERS_MAX]}`"
    if request.body:
        body = request.body if len(request.body) <= _BODY_CHARACTERS_MAX else request.body[:_BODY_CHARACTERS_MAX] + "…"
        text += f" with the body `{body}`"
    return text


def _observed(evidence: Evidence, request: Request) -> str:
    who = request.role or "nobody"
    said = f"As {who}, {shown(request)} was answered with {evidence.deviation.observed}."
    times = f"Seen in {evidence.count} cases" if evidence.count > 1 else "Seen once"
    if evidence.confirmed:
        times += ", and again on fresh data"
    others = f" The same holds for {', '.join(evidence.others)}." if evidence.others else ""
    return f"{said} {times}.{others}"
