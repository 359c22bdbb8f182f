"""What stands before a page: the session of the right role, and the token that proves a form to be ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from tpe.auth import sessions
from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.infra.problems import ForbiddenError
from tpe.web.areas import ADMIN_AREA, CONTRACTOR_AREA, PARTNER_AREA, Area
from tpe.web.forms import Form, read_form

CSRF_FIELD: Final = "csrf_token"
_OWN_SITES: Final = ("same-origin", "none")


class LogInNeededError(Exception):
    """Nobody is logged in; the visitor is sent to the log-in page and comes back after it."""

    def __init__(self, area: Area, wish: str) -> None:
        super().__init__(wish)
        self.area = area
        self.wish = wish


class OtherAreaError(ForbiddenError):
    """The page belongs to another role (403)."""

    slug, title = "other-area", "This page is not for you"


class ForgedFormError(ForbiddenError):
    """The form does not carry this session's token, or another site sent it (403)."""

    slug, title = "form-refused", "This form cannot be used any more"
    default_message = "Nothing was changed. Go back, reload the page and send the form again."


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that this session's own page sent."""

    session: Session
    form: Form


async def current_session(request: Request, platform: Platform) -> Session | None:
    """Give the session that comes with a request, whatever its role, and keep it for a problem page's navigation."""
    secret = request.cookies.get(sessions.COOKIE_NAME, "")
    session = await sessions.find(platform.db, secret) if secret else None
    request.state.session = session
    return session


def kept_session(request: Request) -> Session | None:
    """Give the session that a guard found for this request; None when no guard ran."""
    return getattr(request.state, "session", None)


def require_own_site(request: Request) -> None:
    """ForgedFormError when the browser says that another site sent this request (all current browsers say so)."""
    if request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        raise ForgedFormError


class SessionOf:
    """Dependency: the session of an area's role; LogInNeededError without one, OtherAreaError with another role's."""

    def __init__(self, area: Area) -> None:
        self._area = area

    async def __call__(self, request: Request, platform: PlatformDep) -> Session:
        """Find and check the session."""
        session = await current_session(request, platform)
        if session is None:
            query = f"?{request.url.query}" if request.url.query and request.method == "GET" else ""
            raise LogInNeededError(self._area, request.url.path + query)
        if session.identity.role is not self._area.role:
            raise OtherAreaError(f"You are logged in as {session.identity.name}. This page is for {self._area.audience}.")
        return session


class SubmissionOf:
    """Dependency: a form posted within an area, with its token checked; ForgedFormError when it is not right."""

    def __init__(self, area: Area) -> None:
        self._session = SessionOf(area)

    async def __call__(self, request: Request, platform: PlatformDep) -> Submission:
        """Check the session first, then where the form came from, then its token."""
        session = await self._session(request, platform)
        require_own_site(request)
        form = await read_form(request)
        if not sessions.csrf_matches(session, form.secret(CSRF_FIELD)):
            raise ForgedFormError
        return Submission(session, form)


PartnerSession = Annotated[Session, Depends(SessionOf(PARTNER_AREA))]
ContractorSession = Annotated[Session, Depends(SessionOf(CONTRACTOR_AREA))]
AdminSession = Annotated[Session, Depends(SessionOf(ADMIN_AREA))]
PartnerSubmission = Annotated[Submission, Depends(SubmissionOf(PARTNER_AREA))]
ContractorSubmission = Annotated[Submission, Depends(SubmissionOf(CONTRACTOR_AREA))]
AdminSubmission = Annotated[Submission, Depends(SubmissionOf(ADMIN_AREA))]
