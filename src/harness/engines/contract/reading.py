"""The engine's events as our own plain data, small enough to keep: secrets left out, bodies bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.engine import events
from schemathesis.engine.recorder import Request, ScenarioRecorder
from schemathesis.generation.case import Case

from harness.engines.contract.bounded import CUT_HEADER, OtherHost
from harness.engines.contract.exchange import BODY_CHARACTERS_MAX, Answer, Complaint, Exchange, Sent, Tally
from harness.engines.contract.job import Job, Scenario, Trouble
from harness.engines.contract.violations import RequestJudge
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import only_redirects

ACCEPTED = "ST201"  # Schemathesis's code for a forbidden request that was accepted
KEPT_PER_KIND = 25  # exchanges with the same complaint of the same operation: enough to find the smallest and a second cause
_MESSAGE_CHARACTERS_MAX = 3_000
_DROPPED_HEADERS = frozenset(
    ("user-agent", "accept-encoding", "connection", "content-length", "host", "accept", "x-schemathesis-testcaseid")
)


class Reader:
    """Reads the scenarios of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._kept: Counter[tuple[str, str, int]] = Counter()
        self._document = Document.of(job.document)
        self._judge = RequestJudge(self._document)
        self._redirects = {operation.name for operation in self._document.operations if only_redirects(operation)}

    def scenario(self, event: events.ScenarioFinished) -> Scenario:
        """What a scenario counted, and the exchanges that somebody complained of."""
        recorder, phase = event.recorder, event.phase.value
        complaints, dropped = [], 0
        for case_id in recorder.interactions:
            checks = recorder.checks.get(case_id, ())
            failures = [(check.name, check.failure_info.failure) for check in checks if check.failure_info is not None]
            if failures and self._has_enough(recorder, case_id, [failure.code for _, failure in failures]):
                dropped += 1
                continue
            said = [_complaint(name, failure, tuple(self._before(recorder, case_id, failure))) for name, failure in failures]
            known = {failure.code for _, failure in failures}
            is_overlooked = ACCEPTED not in known and self._is_overlooked(recorder, case_id)
            if is_overlooked and not self._has_enough(recorder, case_id, [ACCEPTED]):
                said.append(Complaint("negative_data_rejection", ACCEPTED, "", ""))
            if said:
                complaints.append(self._exchange(phase, recorder, case_id, tuple(said)))
        return Scenario(event.phase.value, tuple(self._tallies(event.phase.value, recorder)), tuple(complaints), dropped)

    def trouble(self, operation: str, phase: str, error: Exception) -> Trouble:
        """Why an operation could not be tested, sorted by what kept it from being tested."""
        text = f"{type(error).__name__}: {error}"[:_MESSAGE_CHARACTERS_MAX]
        request = getattr(error, "request", None)
        sent = sent_of(request, self._job) if isinstance(request, requests.PreparedRequest) else None
        return Trouble(operation, phase, _kind(error), text, sent)

    def _is_overlooked(self, recorder: ScenarioRecorder, case_id: str) -> bool:
        """Whether a forbidden request was accepted, and the engine did not notice: to be sure it leaves out much."""
        case, response = recorder.cases[case_id].value, recorder.find_response(case_id=case_id)
        if response is None or not 200 <= response.status_code < 300 or _is_valid(case):
            return False
        operation = self._document.find(*case.operation.label.split(" ", 1))
        if operation is None or case.method.upper() != operation.method:
            return False
        return bool(self._judge.judge(operation, _recorded(recorder.interactions[case_id].request, self._job)).strict)

    def _has_enough(self, recorder: ScenarioRecorder, case_id: str, codes: Iterable[str]) -> bool:
        operation = recorder.cases[case_id].value.operation.label
        response = recorder.find_response(case_id=case_id)
        keys = [(operation, code, response.status_code if response else 0) for code in codes]
        self._kept.update(keys)
        return all(self._kept[key] > KEPT_PER_KIND for key in keys)

    def _exchange(self, phase: str, recorder: ScenarioRecorder, case_id: str, complaints: tuple[Complaint, ...]) -> Exchange:
        case, interaction = recorder.cases[case_id].value, recorder.interactions[case_id]
        return Exchange(
            operation=case.operation.label,
            role=self._job.role,
            phase=phase,
            sent=_recorded(interaction.request, self._job),
            answer=_answer(interaction.response) if interaction.response else None,
            valid=_is_valid(case),
            credential=_has_credential(interaction.request, self._job),
            complaints=complaints,
        )

    def _before(self, recorder: ScenarioRecorder, case_id: str, failure: Failure) -> Iterator[Sent]:
        for case in recorder.iter_chain_cases(case_id=case_id, related_case_ids=failure.related_case_ids()):
            interaction = recorder.interactions.get(case.id)
            if case.id != case_id and interaction is not None:
                yield _recorded(interaction.request, self._job)

    def _tallies(self, phase: str, recorder: ScenarioRecorder) -> Iterator[Tally]:
        cases: Counter[str] = Counter()
        successes: Counter[str] = Counter()
        statuses: dict[str, Counter[str]] = {}
        for case_id, node in recorder.cases.items():
            interaction = recorder.interactions.get(case_id)
            if interaction is None:
                continue
            name = node.value.operation.label
            status = interaction.response.status_code if interaction.response else 0
            cases[name] += 1
            statuses.setdefault(name, Counter())[str(status) if status else "none"] += 1
            successes[name] += self._is_success(node.value, status) and _has_credential(interaction.request, self._job)
        for name, count in cases.items():
            yield Tally(name, phase, count, successes[name], dict(statuses[name]))

    def _is_success(self, case: Case[Any], status: int) -> bool:
        """What the operation gives a valid request of its own (not of a method that it does not have): a 2xx, or the redirect
        that it declares in place of one."""
        if not _is_valid(case) or case.method.upper() != case.operation.method.upper():
            return False
        return 200 <= status < 300 or (300 <= status < 400 and case.operation.label in self._redirects)


def _is_valid(case: Case[Any]) -> bool:
    return case.meta is None or case.meta.generation.mode.is_positive


def _has_credential(request: Request, job: Job) -> bool:
    sent = {name.lower(): values for name, values in request.headers.items()}
    return all([marker] == sent.get(name.lower()) for name, (marker, _) in job.secrets.headers.items())


def sent_of(request: requests.PreparedRequest, job: Job) -> Sent:
    """A request of the `requests` library as it is kept."""
    return _recorded(Request.from_prepared_request(request), job)


def _recorded(request: Request, job: Job) -> Sent:
    parts = urlsplit(request.uri)
    secret = {name.lower(): marker for name, (marker, _) in job.secrets.headers.items()}
    headers = {
        name: values[0]
        for name, values in request.headers.items()
        if name.lower() not in _DROPPED_HEADERS and secret.get(name.lower()) != values[0]
    }
    body = request.body.decode("utf-8", "surrogateescape") if request.body is not None else None
    return Sent(request.method, parts.path + (f"?{parts.query}" if parts.query else ""), headers, body)


def _answer(response: Response) -> Answer:
    headers = {name: values[0] for name, values in response.headers.items() if values}
    cut = headers.pop(CUT_HEADER.lower(), "")
    text = (response.content or b"").decode("utf-8", "replace")
    if len(text) > BODY_CHARACTERS_MAX or response.is_truncated:
        cut = cut or f"longer than {BODY_CHARACTERS_MAX} characters"
    return Answer(response.status_code, headers, text[:BODY_CHARACTERS_MAX], cut)


def _complaint(check: str, failure: Failure, before: tuple[Sent, ...]) -> Complaint:
    where = getattr(failure, "instance_path", ())
    return Complaint(
        check=check,
        code=failure.code,
        title=failure.title,
        message=failure.message[:_MESSAGE_CHARACTERS_MAX],
        where="".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip("."),
        missing_headers=tuple(getattr(failure, "missing_headers", ())),
        before=before,
    )


def _kind(error: Any) -> str:
    if isinstance(error, requests.Timeout):
        return "silent"
    if isinstance(error, OtherHost):
        return "schema"  # only the document can have named it
    if isinstance(error, requests.RequestException):
        return "connection"
    name = type(error).__name__
    if name in ("UnresponsiveOperationError", "UnhealthyAPIError"):
        return "silent"
    schema_words = ("Schema", "Reference", "Regex", "Unsatisfiable", "Serialization", "ValidationError", "MediaType", "Example")
    return "schema" if any(word in name for word in schema_words) else "engine"
