"""The contractor portal: matches, profile, password."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.contractors.model import Contractor
from tpe.contractors.service import change_profile, contractor_profile
from tpe.infra.problems import BadRequestError, PreconditionFailedError
from tpe.matching.service import matches_of
from tpe.messaging.service import messages_of
from tpe.web import cookies
from tpe.web.areas import CONTRACTOR_AREA
from tpe.web.forms import Errors, version_of
from tpe.web.guards import ContractorSession, ContractorSubmission, Submission
from tpe.web.page_route import PageRoute
from tpe.web.password_form import change_own_password
from tpe.web.profile_form import ProfileForm
from tpe.web.rendering import redirect, render

PROFILE_PATH = "/contractor/profile"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The profile with its form: as it is, or as it was sent and is shown again with what is wrong."""

    contractor: Contractor
    form: ProfileForm
    errors: Errors = field(default_factory=dict)
    stale: bool = False


@router.get("/contractor")
async def matches(request: Request, platform: PlatformDep, session: ContractorSession) -> Response:
    """Show a contractor the partners that it was introduced to."""
    contractor = await contractor_profile(platform.db, session.identity.account_id)
    found, messages = await matches_of(platform.db, contractor.id), await messages_of(platform.db, contractor.id)
    return render(
        request, "matches.html", title="Matches", session=session, contractor=contractor, matches=found, messages=messages
    )


@router.get("/contractor/profile")
async def profile(request: Request, platform: PlatformDep, session: ContractorSession) -> Response:
    """Show a contractor what it says about itself."""
    contractor = await contractor_profile(platform.db, session.identity.account_id)
    return _profile_page(request, session, ProfileView(contractor, ProfileForm.of(contractor)))


@router.post("/contractor/profile")
async def save(request: Request, platform: PlatformDep, submission: ContractorSubmission) -> Response:
    """Do what the button says: save the profile (``profile``), or change the password (``password``)."""
    contractor = await contractor_profile(platform.db, submission.session.identity.account_id)
    match submission.form.text("do"):
        case "profile":
            return await _save_profile(request, platform, submission, contractor)
        case "password":
            return await _change_password(request, platform, submission, contractor)
    raise BadRequestError("The form does not say what to do.")


async def _save_profile(request: Request, platform: Platform, submission: Submission, contractor: Contractor) -> Response:
    form, version = ProfileForm.sent(submission.form), version_of(submission.form)
    wanted, errors = form.parse()
    if wanted is None:
        return _profile_page(request, submission.session, ProfileView(contractor, form, errors), status=422)
    try:
        await change_profile(platform.db, contractor.id, wanted, version=version)
    except PreconditionFailedError as error:
        contractor = await contractor_profile(platform.db, contractor.id)
        return _profile_page(request, submission.session, ProfileView(contractor, form, stale=True), status=error.status)
    return redirect(CONTRACTOR_AREA.home, flash="profile-saved")


async def _change_password(request: Request, platform: Platform, submission: Submission, contractor: Contractor) -> Response:
    errors = await change_own_password(platform, submission)
    if errors:
        view = ProfileView(contractor, ProfileForm.of(contractor), errors)
        return _profile_page(request, submission.session, view, status=422)
    response = redirect(CONTRACTOR_AREA.log_in, flash="password-changed")
    cookies.drop_session(response)
    return response


def _profile_page(request: Request, session: Session, view: ProfileView, *, status: int = 200) -> Response:
    return render(request, "contractor_profile.html", title="Profile", session=session, status=status, view=view)
