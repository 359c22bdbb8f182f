"""What in one exchange breaks the document: judged from the wire alone, so that it can be asked again of any replay.

The engine complains; the oracle says whether the complaint stands, what exactly is broken (the parameter, the member), and in
which words. Where the document cannot be read well enough, the engine's own opinion stands, with less confidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from harness.engines.contract import deviations as say
from harness.engines.contract.deviations import Deviation, Rule
from harness.engines.contract.exchange import Answer, Complaint, Exchange
from harness.engines.contract.unspoken import may_be_unspoken
from harness.engines.contract.validating import SchemaChecker, Unjudgeable
from harness.engines.contract.violations import Judgement, RequestJudge
from harness.probes.openapi.document import Document, Operation, Response

_NAMED_PARAMETER = re.compile(r"parameter `([^`]+)` in (cookie|header|query)")


class Oracle:
    """Judges exchanges by one document. `expected` are statuses, by operation, that no schema can predict."""

    def __init__(self, document: Document, expected: Mapping[str, tuple[int, ...]]) -> None:
        self._document = document
        self._expected = expected
        self._requests = RequestJudge(document)
        self._checker = SchemaChecker(document)

    def judge(self, exchange: Exchange) -> tuple[Deviation, ...]:
        """The broken promises of an exchange that its complaints (or, without any, the answer alone) point to."""
        operation, answer = self._document.find(*exchange.operation.split(" ", 1)), exchange.answer
        if operation is None or answer is None:
            return ()
        judgement = self._requests.judge(operation, exchange.sent)
        if say.knows_no_such_method(exchange, operation, answer):
            return (say.undeclared_method(exchange.sent.method.upper(), answer),)
        if answer.status >= 500:
            return (say.server_error(answer),)
        if answer.cut.startswith(("larger", "not over", "nested")):
            return (say.endless(answer),)
        found = [d for complaint in exchange.complaints for d in self._of(complaint, exchange, operation, answer, judgement)]
        rules = {deviation.rule for deviation in found if not deviation.noise}
        if Rule.INVALID_ACCEPTED in rules:  # the answer to a request that should have been refused says nothing new
            found = [d for d in found if d.rule in (Rule.INVALID_ACCEPTED, Rule.NO_AUTHENTICATION)]
        elif Rule.STATUS in rules:  # nor does what else is wrong with an answer that should not be there
            found = [d for d in found if d.rule in (Rule.STATUS, Rule.NO_AUTHENTICATION)]
        return tuple({deviation.key: deviation for deviation in found}.values())

    def still(self, deviation: Deviation, exchange: Exchange) -> bool:
        """Whether another exchange of the same operation shows the same deviation."""
        return self.again(deviation, exchange) is not None

    def again(self, deviation: Deviation, exchange: Exchange) -> Deviation | None:
        """The same deviation in another exchange of the same operation, in the words that fit that exchange."""
        complaint = Complaint(check="", code=_CODES[deviation.rule], title="", message="", where=deviation.parameter)
        repeated = self.judge(replace(exchange, complaints=(complaint,)))
        return next((found for found in repeated if found.key == deviation.key and not found.noise), None)

    def _of(
        self, complaint: Complaint, exchange: Exchange, operation: Operation, answer: Answer, judgement: Judgement
    ) -> Iterable[Deviation]:
        match complaint.code:
            case "ST103":
                return self._status(operation, answer, judgement)
            case "ST104" | "ST105" | "ST106":
                return self._media_type(operation, answer)
            case "ST107":
                return say.headers(answer, complaint)
            case "ST108" | "ST109" | "ST110" | "ST111":
                return self._response(operation, answer, complaint)
            case "ST201" | "ST203":
                return self._accepted(answer, judgement, complaint)
            case "ST202":
                return self._refused(operation, exchange, answer, judgement)
            case "ST204" | "ST205":
                return () if self._is_anothers(exchange, operation) else say.method(exchange, operation, answer, complaint)
            case "ST401":
                return say.unauthenticated(operation, answer, exchange)
            case _:
                return (say.other(complaint, answer),)

    def _is_anothers(self, exchange: Exchange, operation: Operation) -> bool:
        """Whether method and path are those of another operation: `DELETE /x/export` is a `DELETE /x/{id}`."""
        other = self._document.matching(exchange.sent.method, exchange.sent.path.partition("?")[0])
        return other is not None and other != operation

    # -- the answer

    def _status(self, operation: Operation, answer: Answer, judgement: Judgement) -> Iterable[Deviation]:
        if operation.declares(answer.status):
            return ()
        declared = ", ".join(sorted(response.status for response in operation.responses)) or "none"
        return (
            Deviation(
                Rule.STATUS,
                str(answer.status),
                f"answers {answer.status}, which the document does not declare",
                f"One of the declared statuses: {declared}.",
                f"status {answer.status}",
                noise=say.parsing_noise(answer, judgement) or self._habit(answer),
            ),
        )

    def _habit(self, answer: Answer) -> str:
        """Why an undeclared refusal is a framework's habit, "" where it is none: routers write no refusals down by themselves."""
        if answer.status not in _OF_FRAMEWORKS or any(each.declares(answer.status) for each in self._document.operations):
            return ""
        return f"a refusal with {answer.status}, which the document declares for no operation at all"

    def _media_type(self, operation: Operation, answer: Answer) -> Iterable[Deviation]:
        declared = [kind.split(";")[0].lower() for r in _responses(operation, answer.status) for kind in r.media_types]
        if 300 <= answer.status < 400 and not answer.body:
            return ()  # nothing is sent, so nothing has a type
        if not declared or any(_covers(kind, answer.media_type) for kind in declared):
            return ()
        got = answer.media_type or "no media type"
        return (
            Deviation(
                Rule.MEDIA_TYPE,
                str(answer.status),
                f"answers {answer.status} as {got}",
                f"A {answer.status} answer is declared as {' or '.join(dict.fromkeys(declared))}.",
                f"status {answer.status} with Content-Type {got}",
                header="content-type",
            ),
        )

    def _response(self, operation: Operation, answer: Answer, complaint: Complaint) -> Iterable[Deviation]:
        if answer.cut:
            return ()
        if "header" in complaint.title.lower():
            return (say.other(complaint, answer),)
        schema = next((r.schema for r in _responses(operation, answer.status) if r.schema), None)
        if schema is None:
            return () if not complaint.message else (say.other(complaint, answer),)
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            what = f"answers {answer.status} with a body that is no JSON"
            return (Deviation(Rule.RESPONSE, "", what, "A body of JSON, as declared.", f"the body {answer.body[:80]!r}"),)
        try:
            errors = self._checker.errors(schema, value)
        except Unjudgeable:
            return () if not complaint.message else (say.other(complaint, answer),)
        return [say.schema_deviation(error, answer) for error in errors]

    # -- the request

    def _accepted(self, answer: Answer, judgement: Judgement, complaint: Complaint) -> Iterable[Deviation]:
        if not 200 <= answer.status < 300:
            return ()
        if not judgement.violations:
            is_told = not judgement.certain and complaint.message and not self._is_about_the_credential(complaint)
            return (say.other(complaint, answer),) if is_told else ()
        telling = (judgement.strict or judgement.violations)[0]
        name = telling.name or (telling.keyword if telling.place == "body" else telling.place)
        where = f"the {telling.place} parameter" if telling.place in ("path", "query", "header", "cookie") else "the request"
        return (
            Deviation(
                Rule.INVALID_ACCEPTED,
                name,
                f"accepts what its document forbids: {telling.text}",
                f"A 4xx answer: by the document {where} is invalid.",
                f"status {answer.status}",
                noise="a habit of frameworks: " + telling.text if telling.lax else "",
            ),
        )

    def _is_about_the_credential(self, complaint: Complaint) -> bool:
        """Whether what the engine left out is the credential: it is sent all the same, as the role's own."""
        named = {(where, name.lower()) for name, where in _NAMED_PARAMETER.findall(complaint.message)}
        return any((scheme.where, scheme.parameter.lower()) in named for scheme in self._document.schemes.values())

    def _refused(self, operation: Operation, exchange: Exchange, answer: Answer, judgement: Judgement) -> Iterable[Deviation]:
        if not 400 <= answer.status < 500 or answer.status in _BY_STATE:
            return ()
        if answer.status in self._expected.get(exchange.operation, ()) or judgement.violations:
            return ()
        reason = say.refusal_reason(answer)
        unsaid = "" if judgement.certain else "the document does not say how it is written"
        noise = judgement.doubtful or unsaid or may_be_unspoken(self._document, operation, exchange.sent, answer)
        return (
            Deviation(
                Rule.VALID_REFUSED,
                str(answer.status),
                f"refuses a valid request with {answer.status}",
                "A 2xx answer: the request keeps every rule that the document states.",
                f"status {answer.status}{': ' + reason if reason else ''}",
                noise=noise,
            ),
        )


_OF_FRAMEWORKS = (400, 401, 403, 404, 405, 406, 413, 415, 429)
# What depends on who asks, when and how often, and on the state of things: no schema speaks of it.
_BY_STATE = (401, 402, 403, 404, 409, 410, 412, 423, 425, 428, 429)
_CODES = {
    Rule.SERVER_ERROR: "ST101",
    Rule.STATUS: "ST103",
    Rule.MEDIA_TYPE: "ST105",
    Rule.HEADERS: "ST107",
    Rule.RESPONSE: "ST108",
    Rule.INVALID_ACCEPTED: "ST201",
    Rule.VALID_REFUSED: "ST202",
    Rule.METHOD: "ST204",
    Rule.ALLOW: "ST205",
    Rule.NO_AUTHENTICATION: "ST401",
    Rule.ENDLESS: "",
    Rule.AFTER_DELETE: "ST301",
    Rule.AFTER_CREATE: "ST302",
    Rule.OTHER: "",
}


def _responses(operation: Operation, status: int) -> list[Response]:
    """The declarations that hold for a status: its own, else its class, else the default."""
    for name in (str(status), f"{status // 100}XX", "DEFAULT"):
        found = [response for response in operation.responses if response.status.upper() == name]
        if found:
            return found
    return []


def _covers(declared: str, got: str) -> bool:
    if declared in ("*/*", got):
        return True
    return declared.endswith("/*") and got.startswith(declared[:-1])
