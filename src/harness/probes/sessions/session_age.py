"""Sessions that must end by themselves: once the rows that they hang on are old, the token and the cookie open nothing."""

from __future__ import annotations

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Severity, Symptom
from harness.model.target import Role
from harness.model.weakness import Place, Weakness
from harness.probes.http.door import Credential, token_of
from harness.probes.http.forging import read_jwt
from harness.probes.http.forms import forms_of
from harness.probes.http.pages import Browsing, PageSession, log_in
from harness.probes.scene.ageing import YEARS, Aged, outlives, says_its_end
from harness.probes.scene.scene import Asker, Scene, Untestable
from harness.probes.sessions.cookies import is_closed
from harness.probes.sessions.endings import ENGINE, STAGE, Ended, witness_of

_WEAKNESS = Weakness(
    "sessions.end-not-asked",
    Severity.HIGH,
    613,
    "API2:2023",
    "A session that is past its end opens nothing: it is answered 401.",
    "A token that leaked works for ever.",
    "Ask for the end of the session in the statement that looks it up (… and expires_at > now()).",
    ("2.1.6.a",),
)


def examine_age(scene: Scene, role: Role) -> Ended:
    """Makes the sessions of a role's log-ins older than their end, and uses them."""
    asker = Asker.first_of(role)
    notes: list[str] = []
    tried = False
    for what, examine in (("token", _of_token), ("cookie", _of_cookie)):
        try:
            aged = examine(scene, role, asker)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            aged = Aged(False, why=str(error))
        tried = tried or aged.tried
        if aged.works and aged.has_end:
            return Ended(role.name, True, _finding(role, what, aged))
        notes += [] if aged.tried else [f"the {what} of {role.name}: {aged.why}"]
    return Ended(role.name, tried, note="; ".join(notes))


def _of_token(scene: Scene, role: Role, asker: Asker) -> Aged:
    world = scene.world
    witness = witness_of(scene, asker)
    text = token_of(world.credential(asker.role, asker.user), role.login)
    token = read_jwt(text)
    if "exp" in token.claims if token is not None else says_its_end(text):
        return Aged(False, why="it may say itself when it ends")

    def make() -> Credential:
        world.forget(asker.role, asker.user)
        return world.credential(asker.role, asker.user)

    try:
        return outlives(world.door.dsn, make, lambda made: world.send_as(witness, made).is_success)
    finally:
        world.forget(asker.role, asker.user)


def _of_cookie(scene: Scene, role: Role, asker: Asker) -> Aged:
    user = next(user for user in role.users if user.name == asker.user)
    if not role.page_login:
        return Aged(False, why="the role has no pages")

    def make() -> tuple[PageSession, dict[str, str]]:
        browsing = Browsing(scene.world)
        session = log_in(browsing, role, user)
        if session is None:
            raise Untestable(f"the log-in form at {role.page_login} could not be used")
        return session, dict(browsing.jar)

    session, _ = make()
    if any(says_its_end(cookie.value) for cookie in session.session_cookies):
        return Aged(False, why="it may say itself when it ends")
    if not is_closed(scene.world, session, {}):
        return Aged(False, why="the page that it leads to is open to everybody")
    return outlives(scene.world.door.dsn, make, lambda made: _is_shown(scene, *made))


def _is_shown(scene: Scene, session: PageSession, jar: dict[str, str]) -> bool:
    """Whether the page behind the log-in is shown: one that fails proves nothing."""
    answer = Browsing(scene.world, dict(jar)).open(session.landing_path)
    return answer.is_success and not any(form.password for form in forms_of(answer))


def _finding(role: Role, what: str, aged: Aged) -> Finding:
    observed = (
        f"The rows that the log-in wrote ({', '.join(aged.tables)}) were made {YEARS} years older, their end too, and the {what} "
        f"still opened what is for {role.name} alone; once such rows were gone, it did not."
    )
    operation = f"POST {role.login.path if what == 'token' else role.page_login}"
    return _WEAKNESS.finding(
        Place(operation, "", role.name),
        stage=STAGE,
        engine=ENGINE,
        title=f"The {what} of {role.name} is good beyond the end of its session",
        observed=observed,
        steps=(),
        symptom=Symptom(),
        confidence=Confidence.MEDIUM,
    )
