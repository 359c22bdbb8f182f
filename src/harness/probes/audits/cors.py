"""Which web origins may call the target from a browser: the listed ones, with credentials, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.model.finding import Confidence, Finding, Request, Severity, Symptom
from harness.probes.deaths import Death, death_by
from harness.probes.http.answers import Answer
from harness.probes.http.exchange import TargetDied, World, with_headers
from harness.probes.tour import Tour, Visit, What

STAGE, ENGINE = "security", "probes"
PARTS = ("1.1.7.a",)
FOREIGN = "https://foreign.example.net"


@dataclass(frozen=True)
class Origin:
    """An origin to be tried, and whether it may call."""

    name: str  # "allowed", "foreign", "null", "prefix", "suffix" …
    value: str
    allowed: bool = False


@dataclass
class CorsReport:
    """What was tried. `allowed_works` is None where the target names no origin that may call it."""

    lists_origins: bool = False
    tried: int = 0
    allowed_works: bool | None = None
    findings: list[Finding] | None = None
    death: Death | None = None  # of the target, by one of the requests


def origins_for(allowed: tuple[str, ...], base_url: str) -> list[Origin]:
    """The origins to try: the allowed ones, foreign ones, and those that look like an allowed one (or like the target itself)."""
    models = allowed or (base_url,)
    found = [Origin("allowed", origin, True) for origin in allowed]
    found += [Origin("foreign", FOREIGN), Origin("null", "null")]
    for model in models[:2]:
        parts = urlsplit(model)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        found += [
            Origin("suffix look-alike", f"{parts.scheme}://{host}.example.net{port}"),
            Origin("prefix look-alike", f"{parts.scheme}://evil{host}{port}"),
            Origin("sub-domain", f"{parts.scheme}://evil.{host}{port}"),
            Origin("other scheme", f"{'http' if parts.scheme == 'https' else 'https'}://{host}{port}"),
            Origin("other port", f"{parts.scheme}://{host}:8443"),
        ]
        if "." in host:
            found.append(Origin("dot taken for any character", f"{parts.scheme}://{host.replace('.', 'x', 1)}{port}"))
    return [origin for origin in found if origin.allowed or origin.value not in allowed]


def examine_cors(world: World, tour: Tour) -> CorsReport:
    """Simple and pre-flight requests of every origin, on a reading and a writing operation of each role."""
    report = CorsReport(lists_origins=bool(world.target.origins), findings=[])
    try:
        _try_origins(world, tour, report)
    except TargetDied as died:
        report.death = death_by(died)
    report.findings = _said_once(report.findings or [])
    return report


def _try_origins(world: World, tour: Tour, report: CorsReport) -> None:
    samples = tuple(_samples(tour))
    has_roles = any(visit.asker.role for visit in samples)
    for visit in samples:
        for origin in origins_for(world.target.origins, world.door.base_url):
            if origin.allowed and has_roles and not visit.asker.role and visit.request.method in ("GET", "HEAD"):
                continue  # a health check, say: what no page asks may keep out every origin
            simple = with_headers(visit.request, {"Origin": origin.value, "Sec-Fetch-Site": "cross-site"})
            answers = [(_preflight(visit, origin), True)]
            if visit.request.method in ("GET", "HEAD"):
                answers.append((simple, False))
            for request, is_preflight in answers:
                answer = world.send(request) if request.role else world.send_as(request, world.credential("", ""))
                report.tried += 1
                _take(report, visit, origin, request, answer, is_preflight)


def _samples(tour: Tour) -> Iterator[Visit]:
    """The first success of reading and of writing as each role, where only it has some, and one of nobody."""
    seen: set[tuple[str, bool]] = set()
    open_to_all = {visit.operation for visit in tour.visits if not visit.asker.role and visit.answer.is_success}
    for visit in sorted(tour.visits, key=lambda visit: bool(visit.asker.role) and visit.operation in open_to_all):
        key = (visit.asker.role, visit.request.method == "GET")
        if visit.what is What.SUCCESS and visit.answer.is_success and key not in seen:
            seen.add(key)
            yield visit


def _preflight(visit: Visit, origin: Origin) -> Request:
    headers = {
        "Origin": origin.value,
        "Access-Control-Request-Method": visit.request.method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return Request("OPTIONS", visit.request.path, headers=headers)


def _take(report: CorsReport, visit: Visit, origin: Origin, request: Request, answer: Answer, is_preflight: bool) -> None:
    granted, credentials = answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials")
    if origin.allowed:
        report.allowed_works = (report.allowed_works is not False) and granted == origin.value
        if granted != origin.value:
            _findings(report).append(_refused(visit, origin, request, answer))
        return
    with_credentials = credentials.lower() == "true"
    if granted == origin.value:
        _findings(report).append(_admitted(visit, origin, request, granted, with_credentials=with_credentials))
    elif granted == "*" and report.lists_origins and visit.asker.role and not is_preflight:
        _findings(report).append(_admitted(visit, origin, request, granted, with_credentials=False))


def _findings(report: CorsReport) -> list[Finding]:
    if report.findings is None:
        report.findings = []
    return report.findings


def _admitted(visit: Visit, origin: Origin, request: Request, granted: str, *, with_credentials: bool) -> Finding:
    also = ", with credentials" if with_credentials else ""
    return Finding(
        rule="cors.any-origin" if granted == "*" else f"cors.{origin.name.replace(' ', '-')}",
        title=f"A {origin.name} origin may read {visit.operation}{also}"
        if granted != "*"
        else f"Every origin may read {visit.operation}",
        severity=Severity.HIGH if with_credentials else Severity.MEDIUM if granted != "*" else Severity.LOW,
        confidence=Confidence.HIGH,
        stage=STAGE,
        engines=(ENGINE,),
        method=visit.request.method,
        route=visit.route,
        parameter="Origin",
        cwe=942,
        owasp="API8:2023",
        expected="Only the origins that the target lists get an Access-Control-Allow-Origin.",
        observed=f"{request.method} with Origin: {origin.value} got Access-Control-Allow-Origin: {granted}{also}.",
        why="A page of that origin reads the user's data in the user's browser.",
        advice="Compare the origin with a list, character by character; never echo it, and never use patterns or null.",
        steps=(request,),
        symptom=Symptom(header="Access-Control-Allow-Origin", header_value=granted),
        parts=PARTS,
    )


def _refused(visit: Visit, origin: Origin, request: Request, answer: Answer) -> Finding:
    return Finding(
        rule="cors.allowed-refused",
        title=f"The listed origin {origin.value} may not call {visit.operation}",
        severity=Severity.MEDIUM,
        confidence=Confidence.HIGH,
        stage=STAGE,
        engines=(ENGINE,),
        method=visit.request.method,
        route=visit.route,
        parameter="Origin",
        cwe=0,
        owasp="API8:2023",
        expected=f"Access-Control-Allow-Origin: {origin.value}.",
        observed=f"{request.method} was answered {answer.status} without it.",
        why="The platform's own pages on that origin do not work.",
        advice="Add the origin to the list that the platform reads.",
        steps=(request,),
        symptom=Symptom(header_absent="Access-Control-Allow-Origin"),
        parts=PARTS,
    )


def _said_once(findings: list[Finding]) -> list[Finding]:
    """One finding per kind of origin: the list is one for the whole platform."""
    kept: dict[str, Finding] = {}
    places: dict[str, set[str]] = {}
    for finding in sorted(findings, key=lambda item: item.severity.rank):
        kept.setdefault(finding.rule, finding)
        places.setdefault(finding.rule, set()).add(finding.operation)
    if "cors.foreign" in kept:  # an origin is echoed whatever it is: the look-alikes say no more
        kept = {rule: finding for rule, finding in kept.items() if rule in ("cors.foreign", "cors.allowed-refused")}
    return [replace(kept[rule], method="", route="") if len(places[rule]) > 1 else kept[rule] for rule in kept]
