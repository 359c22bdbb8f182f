"""From a view to a page: templates and the frame around them. The headers are set for all responses (tpe.infra.headers)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tpe.auth.sessions import Session
from tpe.infra.problems import Problem
from tpe.leads.model import LeadStatus, Stage
from tpe.leads.schemas import NOTE_LENGTH_MAX
from tpe.web import texts
from tpe.web.areas import AREAS, Area
from tpe.web.assets import ASSETS
from tpe.web.cookies import Flash, leave_flash, take_flash


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page. ``session`` and ``area`` are None where nobody is known to be logged in."""

    title: str
    path: str
    flash: Flash | None
    session: Session | None
    area: Area | None


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        day=texts.day,
        moment=texts.moment,
        number=texts.number,
        count_up_to=texts.count_up_to,
        score_level=texts.score_level,
        telephone_link=texts.telephone_link,
        mail_link=texts.mail_link,
        initials=texts.initials,
    )
    environment.globals.update(
        asset=ASSETS.url,
        stages=tuple(Stage),
        statuses=tuple(LeadStatus),
        stage_labels=texts.STAGE_LABELS,
        status_labels=texts.STATUS_LABELS,
        trade_labels=texts.TRADE_LABELS,
        need_labels=texts.NEED_LABELS,
        revenue_labels=texts.REVENUE_LABELS,
        field_labels=texts.FIELD_LABELS,
        value_label=texts.value_label,
        due=texts.due,
        plural=texts.plural,
        note_length_max=NOTE_LENGTH_MAX,
    )
    return environment


_ENVIRONMENT: Final = _environment()


def render(
    request: Request,
    template: str,
    *,
    title: str,
    session: Session | None = None,
    area: Area | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **view: Any,
) -> HTMLResponse:
    """Give a page: the template with its view in the frame of ``area`` (default: the session's own)."""
    area = area or (AREAS[session.identity.role] if session else None)
    frame = Frame(title, request.url.path, take_flash(request), session, area)
    text = _ENVIRONMENT.get_template(template).render(frame=frame, **view)
    response = HTMLResponse(text, status_code=status, headers=dict(headers or {}))
    take_flash(request, response)
    return response


def redirect(path: str, *, flash: str = "") -> RedirectResponse:
    """Send the browser to another page of ours with GET (303), leaving a message of FLASHES for it."""
    response = RedirectResponse(path, status_code=303)
    if flash:
        leave_flash(response, flash)
    return response


def problem_page(request: Request, problem: Problem, *, session: Session | None = None) -> Response:
    """Give a problem as a page: what happened, and where to go from here."""
    return render(request, "problem.html", title=problem.title, session=session, status=problem.status, problem=problem)
