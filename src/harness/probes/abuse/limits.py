"""Whether a client is limited on every route, whatever it writes into its requests.

One client uses its requests up on one route; then every route must refuse it, plain and in each disguise. Only a route that
still answers it is given a client of its own, for it may count for itself: the cost is the limit and a few requests for each
route, not the limit for each. Nothing is proved by a refusal that everybody gets, so a fresh client is asked in between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from harness.model.errors import HarnessError
from harness.model.finding import Observation, Request, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.http.addresses import fresh_address
from harness.probes.http.answers import Answer
from harness.probes.http.clients import ALTERNATELY, Disguise, can_be_many, disguises
from harness.probes.http.door import Credential, Door
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.scene import Asker, Scene, Untestable, base_path_of

SPARE = 3  # requests over the limit that are sent before it is called missing
REQUESTS_MAX = 2_000  # a larger limit is not tried: it would be load
UNDECLARED_REQUESTS = 300
FIRST_TRIES_MAX = 3  # routes on which a client is used up, until one of them counts
NOBODY = Credential()
OWN = "one client"

_UNLIMITED = Weakness(
    "abuse.no-rate-limit",
    Severity.MEDIUM,
    770,
    "API4:2023",
    "A client that has used up its requests is answered 429.",
    "One client takes the platform's time from all others, and tries passwords, codes and ids as fast as it can send.",
    "Count each client's requests before anything else is done, on every path that is not exempt on purpose.",
    ("2.1.2.a",),
)
_EVADED = Weakness(
    "abuse.rate-limit-evaded",
    Severity.HIGH,
    348,
    "API4:2023",
    "A client that is limited stays limited, whatever it writes into its requests.",
    "The limit binds only those who keep to it.",
    "Take the client's address from the connection, and from a header only where the connection comes from a trusted proxy.",
    ("2.1.2.a",),
)
_SHARED = Weakness(
    "abuse.rate-limit-shared",
    Severity.MEDIUM,
    645,
    "API4:2023",
    "A limit concerns the client that reached it, and nobody else.",
    "One client shuts everybody out with a few requests.",
    "Count for each client by itself.",
    ("2.1.2.a",),
)


@dataclass(frozen=True)
class Route:
    """A route and a request to it as nobody; what it answers is of no matter, as long as it is no refusal for the limit."""

    name: str  # "GET /x/{id}"
    request: Request


@dataclass(frozen=True)
class Burnt:
    """A client that sent the same request until it was refused. `refused_at` is the number of that request, 0 for none."""

    sent: int
    refused_at: int
    first: Answer
    last: Answer


def is_refused(answer: Answer, first: Answer | None = None) -> bool:
    """Whether an answer is a refusal for the limit: a 429, or a 403 or 503 that the same request did not get at `first`."""
    if answer.status == 429:
        return True
    return first is not None and answer.status in (403, 503) and answer.status != first.status


def routes_of(document: Document, door: Door) -> tuple[Route, ...]:
    """Everything that the limit is promised for: the document's operations and the log-in pages, the cheapest first."""
    limits, base = door.target.limits, base_path_of(document, door.base_url)
    log_ins = {role.login.path for role in door.target.roles}
    made = [(operation, base + re.sub(r"\{[^{}/]+\}", "1", operation.path)) for operation in document.operations]
    made.sort(key=lambda pair: (pair[1] in log_ins, pair[0].method != "GET", "{" in pair[0].path))
    routes = [Route(operation.name, Request(operation.method, path, client=OWN)) for operation, path in made]
    pages = dict.fromkeys(role.page_login for role in door.target.roles if role.page_login)
    routes += [Route(f"GET {page}", Request("GET", page, client=OWN)) for page in pages]
    return tuple(route for route in routes if not limits.exempts(route.request.path))


def burn(world: World, request: Request, times: int, credential: Credential = NOBODY) -> Burnt:
    """Sends a request until it is refused, at most so many times."""
    first = last = world.send_as(request, credential)
    for number in range(1, times + 1):
        if number > 1:
            last = world.send_as(request, credential)
        if is_refused(last, first):
            return Burnt(number, number, first, last)
    return Burnt(times, 0, first, last)


def examine_limits(door: Door, document: Document, seed: int) -> Report:
    """The limit of requests per client, on every route."""
    report = Report("limits")
    if not can_be_many(door):
        report.note = (
            "the target is not on this machine: we are one client there, and to use up its requests would end every check"
        )
        return report
    limits = door.target.limits
    if limits.requests > REQUESTS_MAX:
        report.note = f"a limit of {limits.requests} requests is not tried: {REQUESTS_MAX} at most are sent for it"
        return report
    routes = routes_of(document, door)
    if not routes:
        report.note = "every route is exempt"
        return report
    if limits.requests:
        _Examination(door, document, seed, routes, report, limits.requests + SPARE).run()
    else:
        _undeclared(door, document, seed, routes, report)
    return report


def _undeclared(door: Door, document: Document, seed: int, routes: tuple[Route, ...], report: Report) -> None:
    """Nothing is promised; but a limit that there is must hold for whoever writes something into its requests."""
    route = routes[0]
    with World(door.seen_from(fresh_address())) as world:
        burnt = burn(world, route.request, UNDECLARED_REQUESTS)
        if burnt.refused_at == 1:
            report.leave_out(route.name, f"a client's first request was answered {burnt.last.status}")
            return
        report.tried = 1
        if burnt.refused_at:
            _Examination(door, document, seed, routes, report, burnt.refused_at + SPARE).evade(world, route)
            return
    text = f"{burnt.sent} requests of one client in a row were all answered; the target file promises no limit"
    report.observations.append(Observation(_UNLIMITED.rule, text, STAGE, route.name))


@dataclass
class _Examination:
    door: Door
    document: Document
    seed: int
    routes: tuple[Route, ...]
    report: Report
    times: int  # requests after which a client must be used up

    def run(self) -> None:
        """Uses a client up, then asks every route."""
        with World(self.door.seen_from(fresh_address())) as world:
            used = self._use_up(world)
            if used is None:
                return
            if not self._fresh_client_is_served(used):
                return
            open_routes = self._each_route(world)
            limited = [route for route in self.routes if route.name not in open_routes]
            self._disguised(world, limited)
            self._exempt(world)
        self._say_unlimited(
            [route for route in self.routes if route.name in open_routes and not self._counts_for_itself(route)], open_routes
        )
        self._signed_in()

    def evade(self, world: World, used: Route) -> None:
        """Of a client that is used up on a route: whether it goes on in a disguise, there and wherever it is refused."""
        if is_refused(self._of_another(used)):
            text = "after one client had used up its requests another one was refused at its first; no limit is promised"
            self.report.observations.append(Observation(_SHARED.rule, text, STAGE, used.name))
            return
        answered = self._each_route(world)
        if answered:
            text = f"a client that {used.name} refuses is still answered here; the target file promises no limit"
            self.report.observations += [Observation(_UNLIMITED.rule, text, STAGE, name) for name in answered]
        self._disguised(world, [route for route in self.routes if route.name not in answered])

    def _of_another(self, route: Route) -> Answer:
        with World(self.door.seen_from(fresh_address())) as world:
            return world.send_as(route.request, NOBODY)

    def _use_up(self, world: World) -> Route | None:
        """A route on which the client was refused in the end; a finding where none of the first few refuses."""
        tried: list[tuple[Route, Burnt]] = []
        for route in self.routes[:FIRST_TRIES_MAX]:
            burnt = burn(world, route.request, self.times)
            self.report.tried += 1
            if burnt.refused_at:
                self._early(route, burnt)
                return route
            tried.append((route, burnt))
        route, burnt = tried[0]
        observed = f"{self.times} requests of one client were all answered, the last with {burnt.last.status}."
        title = "No client is limited, however often it asks"
        steps = (replace(route.request, times=self.times),)
        symptom = Symptom(status=(burnt.last.status,))
        self.report.findings.append(finding_of(_UNLIMITED, Place(), title, observed, steps, symptom))
        return None

    def _early(self, route: Route, burnt: Burnt) -> None:
        promised = self.door.target.limits.requests
        if burnt.refused_at <= promised:
            text = f"a client is refused at request {burnt.refused_at}, and {promised} are promised"
            self.report.observations.append(Observation("abuse.rate-limit-early", text, STAGE, route.name))
        if not burnt.last.header("retry-after"):
            text = "the refusal does not say when to come back (Retry-After)"
            self.report.observations.append(Observation("abuse.rate-limit-without-retry-after", text, STAGE, route.name))

    def _fresh_client_is_served(self, route: Route) -> bool:
        answer = self._of_another(route)
        if not is_refused(answer):
            return True
        steps = (replace(route.request, times=self.times), replace(route.request, client="another client"))
        observed = f"After one client had used up its requests, another one was answered {answer.status} at its first."
        title = "One client's requests use up everybody's"
        symptom = Symptom(status=(answer.status,))
        self.report.findings.append(finding_of(_SHARED, Place(), title, observed, steps, symptom))
        return False

    def _each_route(self, world: World) -> dict[str, Answer]:
        """What the routes answer that still serve the client that is used up."""
        self.report.tried += len(self.routes)
        answers = {route.name: world.send_as(route.request, NOBODY) for route in self.routes}
        return {name: answer for name, answer in answers.items() if not is_refused(answer)}

    def _counts_for_itself(self, route: Route) -> bool:
        """Whether a client of its own is refused on this route in the end; as a signed-in user too, where nobody is not."""
        with World(self.door.seen_from(fresh_address())) as world:
            if burn(world, route.request, self.times).refused_at:
                return True
            operation = self.document.find(*route.name.split(" ", 1))
            valid = self._valid(world, operation) if operation is not None and operation.is_safe else None
            if valid is not None and burn(world, valid, self.times, world.credential(valid.role, valid.user)).refused_at:
                text = "requests that are refused for want of a credential are not counted; those of a signed-in user are"
                self.report.observations.append(Observation("abuse.rate-limit-after-log-in", text, STAGE, route.name))
                return True
        return False

    def _valid(self, world: World, operation: Operation, role: Role | None = None) -> Request | None:
        scene = Scene(world, self.document, self.seed)
        for found in (role,) if role else scene.roles:
            asker = Asker.first_of(found)
            if operation.is_secured and scene.permission(operation, asker).permitted is not False:
                try:
                    return scene.draft(operation, asker).request(asker.role, asker.user)
                except (Untestable, HarnessError):
                    return None
        return None

    def _say_unlimited(self, routes: list[Route], answers: dict[str, Answer]) -> None:
        """One finding for each route; where they are most of the routes there is one cause, and it is said once."""
        if len(routes) > len(self.routes) / 2 and len(routes) > 1:
            names = ", ".join(route.name for route in routes[:5])
            self._say(Place(), f"Most routes are not limited: {names}{' …' if len(routes) > 5 else ''}", routes[0], answers)
            return
        for route in routes:
            self._say(Place(route.name), f"{route.name} is not limited", route, answers)

    def _say(self, place: Place, title: str, route: Route, answers: dict[str, Answer]) -> None:
        observed = f"{self.times} requests of one client were all answered, while other routes refuse it."
        steps = (replace(route.request, times=self.times),)
        symptom = Symptom(status=(answers[route.name].status,))
        self.report.findings.append(finding_of(_UNLIMITED, place, title, observed, steps, symptom))

    def _disguised(self, world: World, routes: list[Route]) -> None:
        """Every disguise on every route that refuses the plain client; what one header opens everywhere is said once."""
        opened: dict[str, list[tuple[Route, Request, Answer]]] = {}
        for route in routes:
            for number, disguise in enumerate(disguises()):
                request = disguised(route.request, disguise)
                answer = world.send_as(request, NOBODY)
                if not is_refused(answer) and self._is_what_others_get(world, route, answer, number):
                    opened.setdefault(disguise.name, []).append((route, request, answer))
        self.report.tried += len(routes) * len(disguises())
        for name, hits in opened.items():
            self._say_evaded(name, hits)

    def _is_what_others_get(self, world: World, route: Route, answer: Answer, number: int) -> bool:
        """Whether the disguise does what the plain request does for a fresh client, while the plain client is refused.

        A disguise may be refused for itself (a query or a token that is not right), before anybody counts.
        """
        usual = self._of_another(route)
        if answer.status != usual.status or (usual.is_of_the_door and disguises()[number].is_credential):
            return False
        for each in ALTERNATELY:
            request = route.request if each == "P" else disguised(route.request, disguises()[number])
            if is_refused(world.send_as(request, NOBODY)) != (each == "P"):
                return False
        return True

    def _say_evaded(self, name: str, hits: list[tuple[Route, Request, Answer]]) -> None:
        route, request, answer = hits[0]
        where = route.name if len(hits) == 1 else ""
        title = f"A client that is limited{f' on {where}' if where else ''} goes on with {name} of its own choice"
        observed = (
            f"Used up, it was answered 429; with {name} set it was answered {answer.status}"
            f" on {len(hits)} {'route' if len(hits) == 1 else 'routes'}."
        )
        steps = (replace(route.request, times=self.times), request)
        place = Place(where, name)
        self.report.findings.append(finding_of(_EVADED, place, title, observed, steps, Symptom(status=(answer.status,))))

    def _exempt(self, world: World) -> None:
        for path in self.door.target.limits.exempt:
            if not path.endswith("/") and is_refused(world.send_as(Request("GET", path), NOBODY)):
                text = "the target file calls it exempt, and a client that is used up is refused there"
                self.report.observations.append(Observation("abuse.rate-limit-of-exempt", text, STAGE, f"GET {path}"))

    def _signed_in(self) -> None:
        """A signed-in user of each role is limited as well."""
        for role in (role for role in self.door.target.roles if role.users):
            with World(self.door.seen_from(fresh_address())) as world:
                request = self._reading(world, role)
                if request is None:
                    continue
                self.report.tried += 1
                burnt = burn(world, request, self.times, world.credential(request.role, request.user))
            if not burnt.refused_at:
                observed = (
                    f"{burnt.sent} requests of a signed-in {role.name} were all answered, the last with {burnt.last.status}."
                )
                title = f"A signed-in {role.name} is not limited"
                steps = (replace(request, times=self.times),)
                symptom = Symptom(status=(burnt.last.status,))
                self.report.findings.append(finding_of(_UNLIMITED, Place(role=role.name), title, observed, steps, symptom))

    def _reading(self, world: World, role: Role) -> Request | None:
        for operation in self.document.operations:
            if operation.method == "GET" and "{" not in operation.path:
                try:
                    request = self._valid(world, operation, role)
                    credential = world.credential(role.name, role.users[0].name)
                except HarnessError:
                    return None
                if request is not None and world.send_as(request, credential).is_success:
                    return replace(request, client=OWN)
        return None


def disguised(request: Request, disguise: Disguise) -> Request:
    """The request as the client sends it to seem another one."""
    path = request.path
    if disguise.query:
        path += ("&" if "?" in path else "?") + quote(disguise.query, safe="=")
    return replace(request, path=path, headers={**request.headers, **disguise.headers})
