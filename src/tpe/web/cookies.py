"""The cookies of the pages: all host-bound, secure, unreadable for script, and not sent with others' forms.

``__Host-`` makes the browser refuse the cookie from another host of the domain or without Secure. Browsers treat the
loopback as secure, so they work there without TLS too.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tpe.auth.sessions import COOKIE_NAME as SESSION_COOKIE
from tpe.leads.model import Stage
from tpe.web.texts import STAGE_LABELS

LOG_IN_COOKIE: Final = "__Host-tpe_log_in"
"""Holds the token of the log-in form: a site that makes somebody log in as another cannot know it."""
FLASH_COOKIE: Final = "__Host-tpe_flash"
"""Names the message that the next page shows once; never its text."""
FLASH_SECONDS: Final = 60
LOG_IN_FORM_SECONDS: Final = 3_600


@dataclass(frozen=True, slots=True)
class Flash:
    """A message for the next page; ``done`` is False where what was asked for did not happen, or not all of it."""

    text: str
    done: bool = True


FLASHES: Final = {
    "logged-out": Flash("You are logged out."),
    "password-changed": Flash("Your password was changed. Please log in with the new one."),
    "registered": Flash("Welcome to The Power100 Experience: your account is ready."),
    "profile-saved": Flash("Your profile was saved."),
    "leads-moved": Flash("The ticked leads were moved."),
    "some-not-moved": Flash(
        "Some of the ticked leads were changed meanwhile or cannot have this stage; those were left as they are.", done=False
    ),
    "nothing-ticked": Flash("Tick one lead at least and choose a stage.", done=False),
    "partner-approved": Flash("The partner was approved and can log in."),
    "partner-suspended": Flash("The partner was suspended; its sessions have ended."),
    "partner-changed-meanwhile": Flash("The partner was changed meanwhile; nothing was decided. Look again.", done=False),
    "note-added": Flash("Your note was added."),
    "lead-saved": Flash("Your changes were saved."),
    "nothing-changed": Flash("Nothing was changed: the lead has these values already.", done=False),
    **{f"moved-{stage}": Flash(f"The lead was moved to {label}.") for stage, label in STAGE_LABELS.items()},
}
"""Every message that a page can leave for the next one."""

_LOG_IN_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def moved_to(stage: Stage) -> str:
    """Give the name of the message that a lead was moved."""
    return f"moved-{stage}"


def set_session(response: Response, secret: str) -> None:
    """Give the browser its session, for as long as it is open; the server ends it earlier."""
    _set(response, SESSION_COOKIE, secret)
    _drop(response, LOG_IN_COOKIE)


def drop_session(response: Response) -> None:
    """Take the session from the browser."""
    _drop(response, SESSION_COOKIE)


def log_in_token(request: Request) -> str:
    """Give the token that the log-in form carries: the cookie's own, so that several open forms work, or a new one."""
    token = request.cookies.get(LOG_IN_COOKIE, "")
    return token if _LOG_IN_TOKEN.fullmatch(token) else secrets.token_urlsafe(32)


def set_log_in_token(response: Response, token: str) -> None:
    """Bind the log-in form to this browser."""
    _set(response, LOG_IN_COOKIE, token, seconds=LOG_IN_FORM_SECONDS)


def log_in_token_matches(request: Request, given: str) -> bool:
    """Compare the form's token with the cookie's in constant time; an absent cookie never matches."""
    token = request.cookies.get(LOG_IN_COOKIE, "")
    given_bytes = given.encode("utf-8", "surrogatepass")
    return _LOG_IN_TOKEN.fullmatch(token) is not None and secrets.compare_digest(token.encode(), given_bytes)


def leave_flash(response: Response, name: str) -> None:
    """Leave a message of FLASHES for the next page; KeyError for any other name."""
    if name not in FLASHES:
        raise KeyError(name)
    _set(response, FLASH_COOKIE, name, seconds=FLASH_SECONDS)


def take_flash(request: Request, response: Response | None = None) -> Flash | None:
    """Give the message left for this page, and forget it with the response; None when there is none."""
    flash = FLASHES.get(request.cookies.get(FLASH_COOKIE, ""))
    if response is not None and FLASH_COOKIE in request.cookies:
        _drop(response, FLASH_COOKIE)
    return flash


def _set(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def _drop(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
