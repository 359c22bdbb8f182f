"""What a partner says about itself, and its password."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from tpe.auth.sessions import Session
from tpe.context import Platform, PlatformDep
from tpe.infra.problems import BadRequestError, PreconditionFailedError
from tpe.partners.model import Partner
from tpe.partners.service import change_partner_profile, partner_profile
from tpe.web import cookies
from tpe.web.areas import PARTNER_AREA
from tpe.web.forms import Errors, version_of
from tpe.web.guards import PartnerSession, PartnerSubmission, Submission
from tpe.web.page_route import PageRoute
from tpe.web.password_form import change_own_password
from tpe.web.profile_form import PartnerForm
from tpe.web.rendering import redirect, render

PATH = "/partner/profile"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PartnerView:
    """The profile with its form: as it is, or as it was sent and is shown again with what is wrong."""

    partner: Partner
    form: PartnerForm
    errors: Errors = field(default_factory=dict)
    stale: bool = False


@router.get(PATH)
async def profile(request: Request, platform: PlatformDep, session: PartnerSession) -> Response:
    """Show a partner what it says about itself."""
    partner = await partner_profile(platform.db, session.identity.account_id)
    return _page(request, session, PartnerView(partner, PartnerForm.of(partner)))


@router.post(PATH)
async def save(request: Request, platform: PlatformDep, submission: PartnerSubmission) -> Response:
    """Do what the button says: save the profile (``profile``), or change the password (``password``)."""
    partner = await partner_profile(platform.db, submission.session.identity.account_id)
    match submission.form.text("do"):
        case "profile":
            return await _save_profile(request, platform, submission, partner)
        case "password":
            return await _change_password(request, platform, submission, partner)
    raise BadRequestError("The form does not say what to do.")


async def _save_profile(request: Request, platform: Platform, submission: Submission, partner: Partner) -> Response:
    form, version = PartnerForm.sent(submission.form), version_of(submission.form)
    wanted, errors = form.parse()
    if wanted is None:
        return _page(request, submission.session, PartnerView(partner, form, errors), status=422)
    try:
        await change_partner_profile(platform.db, partner.id, wanted, version=version)
    except PreconditionFailedError as error:
        partner = await partner_profile(platform.db, partner.id)
        return _page(request, submission.session, PartnerView(partner, form, stale=True), status=error.status)
    return redirect(PATH, flash="profile-saved")


async def _change_password(request: Request, platform: Platform, submission: Submission, partner: Partner) -> Response:
    errors = await change_own_password(platform, submission)
    if errors:
        return _page(request, submission.session, PartnerView(partner, PartnerForm.of(partner), errors), status=422)
    response = redirect(PARTNER_AREA.log_in, flash="password-changed")
    cookies.drop_session(response)
    return response


def _page(request: Request, session: Session, view: PartnerView, *, status: int = 200) -> Response:
    return render(request, "partner_profile.html", title="Profile", session=session, status=status, view=view)
