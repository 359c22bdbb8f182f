"""Addresses that are left open by mistake: settings, repositories, debuggers, metrics, documentation. Known by what they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from harness.model.finding import Confidence, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene


@dataclass(frozen=True)
class Left:
    """What may have been left at some paths, and the words that only it says: a page for everything is not taken for it."""

    what: str
    paths: tuple[str, ...]
    says: re.Pattern[str]
    severity: Severity = Severity.HIGH


LEFT_OPEN: tuple[Left, ...] = (
    Left(
        "settings with secrets",
        ("/.env", "/.env.production", "/.env.local", "/api/.env"),
        re.compile(r"(?m)^[A-Z][A-Z0-9_]{2,}=\S"),
    ),
    Left("a repository", ("/.git/HEAD",), re.compile(r"^ref: refs/heads/|^[0-9a-f]{40}\s*$"), Severity.HIGH),
    Left("a repository's settings", ("/.git/config",), re.compile(r"\[core\]|repositoryformatversion")),
    Left(
        "a dump of the database",
        ("/backup.sql", "/dump.sql", "/db.sql"),
        re.compile(r"(?i)create table|insert into|postgresql database dump"),
    ),
    Left(
        "the process's environment",
        ("/actuator/env", "/env", "/debug/env", "/debug", "/debug/config", "/_debug", "/config", "/settings"),
        re.compile(
            r'"propertySources"|"systemEnvironment"|"PATH"\s*:'
            r'|"(?i:\w*(secret(_?key)?|passw(or)?d|private_?key|database_url))"\s*:(?=\s*"(?=[^"]*\d)[^"\s*•/]{8,}")'
        ),
    ),
    Left("a management interface", ("/actuator",), re.compile(r'"_links"\s*:\s*\{.*actuator', re.S), Severity.MEDIUM),
    Left(
        "a memory profiler",
        ("/debug/pprof/", "/debug/vars"),
        re.compile(r"Types of profiles available|\"memstats\"\s*:"),
        Severity.MEDIUM,
    ),
    Left(
        "a debugger's console",
        ("/console", "/__debug__/", "/_debugbar"),
        re.compile(r"Werkzeug|Interactive Console|djDebug|phpdebugbar"),
    ),
    Left(
        "a profiler",
        ("/_profiler", "/_profiler/phpinfo", "/phpinfo.php"),
        re.compile(r"Symfony Profiler|phpinfo\(\)|PHP Version"),
    ),
    Left("error logs", ("/elmah.axd", "/error.log", "/logs/error.log"), re.compile(r"Error Log for|Traceback \(most|\[error\]")),
    Left("metrics", ("/metrics", "/actuator/prometheus"), re.compile(r"(?m)^# (HELP|TYPE) \w+"), Severity.LOW),
    Left("the server's state", ("/server-status",), re.compile(r"Apache Server Status"), Severity.MEDIUM),
    Left(
        "routes of the framework",
        ("/rails/info/routes", "/telescope/requests", "/horizon/dashboard"),
        re.compile(r"Helper.{0,40}HTTP Verb|Telescope|Horizon"),
        Severity.MEDIUM,
    ),
    Left(
        "documentation to try",
        ("/docs", "/redoc", "/swagger-ui/", "/swagger-ui.html", "/swagger/", "/api-docs/", "/api/docs", "/ui/"),
        re.compile(r"(?i)swagger-ui|redoc\.standalone|<redoc|stoplight"),
        Severity.LOW,
    ),
    Left(
        "a query explorer",
        ("/graphiql", "/playground", "/altair"),
        re.compile(r"(?i)graphiql|graphql playground|altair"),
        Severity.LOW,
    ),
    Left(
        "what the build is made of",
        ("/package.json", "/composer.json", "/Dockerfile", "/docker-compose.yml"),
        re.compile(r'(?m)"dependencies"\s*:|^FROM \S|^services:'),
        Severity.LOW,
    ),
)
_NOWHERE, _LOOKED_AT = "/zq-nothing-is-there", 200_000
_DEBUG_OPERATION = re.compile(r"/_?debug(/|$)|/_?internal(/|$)|/_?test(ing)?(/|$)|/dev(/|$)", re.I)


def _weakness(severity: Severity) -> Weakness:
    return Weakness(
        "exposure.left-open",
        severity,
        489,
        "API8:2023",
        "Only what the platform serves on purpose answers.",
        "It shows settings, code or other users' data to anybody, or lets them run code.",
        "Take it out of the build that is served, or put it behind a credential.",
    )


def examine_left_open(scene: Scene) -> Report:
    """Asks for each of the paths as nobody, and for the document's own operations that look like a debugger's."""
    report = Report("left-open")
    nowhere = scene.world.send_as(Request("GET", _NOWHERE), scene.anonymous).text  # what any address is answered
    for left in (left for left in LEFT_OPEN if not left.says.search(nowhere[:_LOOKED_AT])):
        for path in _paths(scene, left):
            report.tried += 1
            _ask(report, scene.world, left, path)
    for operation in scene.document.operations:
        if operation.method == "GET" and "{" not in operation.path and _DEBUG_OPERATION.search(operation.path):
            report.tried += 1
            answer = scene.world.send_as(request := Request("GET", scene.drafter.base_path + operation.path), scene.anonymous)
            if answer.is_success and answer.content:
                title, observed = f"{operation.name} is open to anybody", f"Without a credential it was answered {answer.status}."
                symptom = Symptom(status=(answer.status,))
                report.findings.append(
                    finding_of(_weakness(Severity.HIGH), Place(operation.name), title, observed, (request,), symptom)
                )
    return report


def _paths(scene: Scene, left: Left) -> Iterator[str]:
    """Where it is looked for: at the root and where the document's paths begin, but at none that the document has."""
    base = scene.drafter.base_path
    for path in dict.fromkeys(f"{start}{path}" for start in ("", base, *_shared_start(scene.document)) for path in left.paths):
        named = (path, f"{path}/", path.removeprefix(base), f"{path.removeprefix(base)}/")
        if path != scene.world.target.document_path and not any(scene.document.find("GET", each) for each in named):
            yield path


def _shared_start(document: Document) -> tuple[str, ...]:
    """The first segment of the document's paths where most share it (`/api`): what stands beside them begins so too."""
    starts = Counter(operation.path.split("/")[1] for operation in document.operations)
    start, count = starts.most_common(1)[0] if starts else ("", 0)
    return (f"/{start}",) if 2 * count > starts.total() > 1 and "{" not in start else ()


def _ask(report: Report, world: World, left: Left, path: str) -> None:
    request = Request("GET", path)
    answer = world.send_as(request, world.credential("", ""))
    if 300 <= answer.status < 400 and answer.header("location").endswith(f"{path}/"):  # the custom of some frameworks
        path = f"{path}/"
        request = Request("GET", path)
        answer = world.send_as(request, world.credential("", ""))
    said = left.says.search(answer.text[:_LOOKED_AT]) if answer.status == 200 else None
    if said:
        title, observed = f"GET {path} shows {left.what} to anybody", f"It was answered 200 with {said.group()[:40]!r}."
        symptom = Symptom(status=(200,), body_contains=said.group()[:40])
        place = Place(f"GET {path}")
        report.findings.append(finding_of(_weakness(left.severity), place, title, observed, (request,), symptom, Confidence.HIGH))
