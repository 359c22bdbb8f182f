"""What must stand in the head of every answer, errors included. Pure: it reads answers that were collected before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.probes.http.answers import Answer
from harness.probes.tour import Visit, What

STAGE, ENGINE = "security", "probes"
PARTS = ("2.1.3.a",)
HSTS_AGE_S_MIN = 31_536_000  # a year: ledger 3.1 and hstspreload.org
EVERYWHERE_SHARE = 0.6  # of the places: one cause, said once

NAMED_MAX = 3  # other pages that a finding names
ALIKE_MIN = 3  # pages beside each other that are taken for one route

Judge = Callable[[Visit], str]  # "" where it is right, else what is wrong


@dataclass(frozen=True)
class Rule:
    """One thing that the head of an answer must say, or must not. `applies` tells to which answers."""

    name: str
    header: str
    expected: str
    why: str
    advice: str
    judge: Judge
    applies: Callable[[Visit], bool]
    severity: Severity = Severity.LOW
    cwe: int = 693
    unwanted: bool = False  # the header must not be there
    over_tls: bool = False  # over plain HTTP it must not be sent (RFC 6797 7.2): judged there only where some answer has it


def _always(_visit: Visit) -> bool:
    return True


def _has_body(visit: Visit) -> bool:
    return bool(visit.answer.content)


def _is_page(visit: Visit) -> bool:
    return visit.answer.is_html


def _is_private(visit: Visit) -> bool:
    """What a credential opened is somebody's own."""
    return bool(visit.asker.role) and visit.what in (What.SUCCESS, What.PAGE) and _has_body(visit)


def _missing(header: str) -> Judge:
    return lambda visit: "" if visit.answer.header(header) else "it is missing"


def _nosniff(visit: Visit) -> str:
    value = visit.answer.header("x-content-type-options")
    return "" if value.strip().lower() == "nosniff" else f"it is {value!r}" if value else "it is missing"


def _framing(visit: Visit) -> str:
    options = visit.answer.header("x-frame-options").strip().lower()
    if options in ("deny", "sameorigin") or "frame-ancestors" in visit.answer.header("content-security-policy").lower():
        return ""
    return "neither X-Frame-Options nor frame-ancestors is there"


def _hsts(visit: Visit) -> str:
    value = visit.answer.header("strict-transport-security")
    age = re.search(r"max-age\s*=\s*\"?(\d+)", value, re.I)
    if not age:
        return "it is missing"
    return "" if int(age[1]) >= HSTS_AGE_S_MIN else f"its max-age is {age[1]} seconds"


def _referrer(visit: Visit) -> str:
    value = visit.answer.header("referrer-policy").lower()
    if not value:
        return "it is missing"
    return f"it is {value!r}" if value.split(",")[-1].strip() in ("unsafe-url", "no-referrer-when-downgrade") else ""


def _policy(visit: Visit) -> str:
    """A policy that lets injected scripts run is none."""
    value = visit.answer.header("content-security-policy")
    if not value:
        return "it is missing"
    directives = {parts[0].lower(): parts[1:] for part in value.split(";") if (parts := part.split())}
    scripts = directives.get("script-src", directives.get("default-src"))
    if scripts is None:
        return "it names neither script-src nor default-src"
    lowered = [source.lower() for source in scripts]
    pinned = any(source.startswith(("'nonce-", "'sha")) for source in lowered)
    if "'unsafe-inline'" in lowered and not pinned:
        return "it allows inline scripts ('unsafe-inline')"
    wide = {"*", "http:", "https:", "data:"} & set(lowered)
    return f"it allows scripts from anywhere ({sorted(wide)[0]})" if wide and "'strict-dynamic'" not in lowered else ""


def _not_stored(visit: Visit) -> str:
    value = visit.answer.header("cache-control").lower()
    return "" if "no-store" in value else f"it is {value!r}" if value else "it is missing"


_VERSION = re.compile(r"\d+\.\d+|/\s*\d")


def _discloses(header: str) -> Judge:
    def judge(visit: Visit) -> str:
        value = visit.answer.header(header)
        return f"it says {value!r}" if value and (_VERSION.search(value) or header != "server") else ""

    return judge


RULES: tuple[Rule, ...] = (
    Rule(
        "nosniff",
        "X-Content-Type-Options",
        "X-Content-Type-Options: nosniff",
        "A browser guesses the type of a body and may run an upload or an error text as a script.",
        "Send X-Content-Type-Options: nosniff with every answer, errors included.",
        _nosniff,
        _has_body,
    ),
    Rule(
        "framing",
        "X-Frame-Options",
        "X-Frame-Options: DENY (or frame-ancestors in the content security policy)",
        "Another site shows it in an invisible frame and lets the user click there.",
        "Send X-Frame-Options: DENY and frame-ancestors 'none' with every answer.",
        _framing,
        _has_body,
        Severity.MEDIUM,
        1021,
    ),
    Rule(
        "hsts",
        "Strict-Transport-Security",
        "Strict-Transport-Security with a max-age of a year",
        "The first request of each visit goes over plain HTTP, where anybody on the way can answer it.",
        "Send Strict-Transport-Security: max-age=31536000; includeSubDomains with every answer.",
        _hsts,
        _always,
        Severity.LOW,
        319,
        over_tls=True,
    ),
    Rule(
        "referrer",
        "Referrer-Policy",
        "a Referrer-Policy that keeps paths from other sites",
        "Addresses with ids or tokens in them are told to every site that a page links to.",
        "Send Referrer-Policy: same-origin (or strict-origin-when-cross-origin).",
        _referrer,
        _has_body,
        Severity.LOW,
        200,
    ),
    Rule(
        "csp",
        "Content-Security-Policy",
        "a content security policy that runs the page's own scripts only",
        "A script that gets into the page runs with the user's rights.",
        "Send a Content-Security-Policy with script-src 'self' (or nonces), object-src 'none' and base-uri 'none'.",
        _policy,
        _is_page,
        Severity.MEDIUM,
        1021,
    ),
    Rule(
        "no-store",
        "Cache-Control",
        "Cache-Control: no-store on what only the user may see",
        "Browsers and proxies keep it, and show it to whoever comes next.",
        "Send Cache-Control: no-store with everything that a credential opens.",
        _not_stored,
        _is_private,
        Severity.LOW,
        525,
    ),
    *(
        Rule(
            f"discloses-{header}",
            header.title(),
            f"no {header.title()} header that names software and version",
            "It tells which published weaknesses to try.",
            f"Remove {header.title()} from the answers.",
            _discloses(header),
            _always,
            Severity.LOW,
            200,
            unwanted=True,
        )
        for header in ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-runtime", "x-generator")
    ),
)


def audit(visits: Iterable[Visit], *, tls: bool = False) -> Iterator[Finding]:
    """What is wrong: once for the whole platform where nearly every answer lacks it, else per route.

    Args:
        tls: whether the target was asked over TLS.
    """
    answered = [visit for visit in visits if visit.answer.status]
    alike = _pages_alike(answered)
    for rule in RULES:
        if rule.over_tls and not tls and not any(visit.answer.header(rule.header) for visit in answered):
            continue
        subject = [visit for visit in answered if rule.applies(visit)]
        wrong = [(visit, said) for visit in subject if (said := rule.judge(visit))]
        if not wrong:
            continue
        routes = list(dict.fromkeys((visit.request.method, alike.get(visit.route, visit.route)) for visit, _ in wrong))
        everywhere = len(routes) > 1 and len(wrong) >= EVERYWHERE_SHARE * len(subject)
        places: dict[tuple[str, str], list[tuple[Visit, str]]] = {}
        for visit, said in wrong[:1] if everywhere else wrong:
            place = ("", "") if everywhere else (visit.request.method, alike.get(visit.route, visit.route))
            places.setdefault(place, []).append((visit, said))
        for place, ((visit, said), *others) in places.items():
            yield _finding(rule, visit, said + _so_with(visit, others), place, len(routes))


def _so_with(visit: Visit, others: Iterable[tuple[Visit, str]]) -> str:
    """The other pages of the same route, in words."""
    paths = list(dict.fromkeys(other.route for other, _ in others if other.route != visit.route))
    if not paths:
        return ""
    return f"; so it is with {', '.join(paths[:NAMED_MAX])}" + (" and others" if len(paths) > NAMED_MAX else "")


def _pages_alike(visits: Iterable[Visit]) -> dict[str, str]:
    """By the address of a page that stands beside others (`/tools/saw`), the route of all of them (`/tools/{}`)."""
    paths = {visit.route for visit in visits if visit.what is What.PAGE}
    beside = Counter(path.rpartition("/")[0] for path in paths)
    parents = {path: path.rpartition("/")[0] for path in paths}
    return {path: f"{parent}/{{}}" for path, parent in parents.items() if parent and beside[parent] >= ALIKE_MIN}


def _finding(rule: Rule, visit: Visit, said: str, place: tuple[str, str], routes: int) -> Finding:
    method, route = place
    where = f"{method} {route} ({visit.what})" if route else f"{routes} routes"
    verb = "carries" if rule.unwanted else "lacks" if "missing" in said or "neither" in said else "weakens"
    return Finding(
        rule=f"headers.{rule.name}",
        title=f"{where}: {verb} {rule.header}",
        severity=rule.severity,
        confidence=Confidence.HIGH,
        stage=STAGE,
        engines=(ENGINE,),
        method=method,
        route=route,
        parameter=rule.header,
        cwe=rule.cwe,
        owasp="API8:2023",
        expected=f"Every such answer has {rule.expected}.",
        observed=f"{visit.request.method} {visit.request.path} was answered {visit.answer.status}; {rule.header}: {said}.",
        why=rule.why,
        advice=rule.advice,
        steps=(visit.request,),
        symptom=_symptom(rule, visit.answer),
        parts=PARTS,
    )


def _symptom(rule: Rule, answer: Answer) -> Symptom:
    value = answer.header(rule.header)
    if value:
        return Symptom(status=(answer.status,), header=rule.header, header_value=value)
    return Symptom(status=(answer.status,), header_absent=rule.header)
