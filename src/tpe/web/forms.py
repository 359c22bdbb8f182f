"""Posted forms: read with bounds, parsed to typed values, with a message for each refused field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request

from tpe.infra.problems import BadRequestError, PayloadTooLargeError, UnsupportedMediaTypeError
from tpe.infra.schemas import VERSION_MAX
from tpe.leads.lifecycle import CLOSED_STAGES, allowed_stages
from tpe.leads.model import Lead, LeadChange, LeadStatus, Stage
from tpe.leads.schemas import NOTE_LENGTH_MAX

FORM_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
FORM_BYTES_MAX: Final = 65_536
"""The longest note, percent-encoded from four-byte characters, fits."""
FORM_FIELDS_MAX: Final = 60
"""A profile with every box ticked has less."""

# Control characters other than tab and line feed: no person types them, and PostgreSQL cannot store NUL.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Errors = dict[str, str]
Choice = TypeVar("Choice", Stage, LeadStatus)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; of a repeated field the last, and all of them with ``texts``."""

    fields: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...] = ()

    def texts(self, name: str) -> tuple[str, ...]:
        """Give all values of a field that may be repeated (ticked boxes), in the form's order."""
        return tuple(value for given, value in self.pairs if given == name)

    def text(self, name: str) -> str:
        """Give a field with its lines ended as in Unix and without space around; empty when absent."""
        return self.fields.get(name, "").replace("\r\n", "\n").strip()

    def secret(self, name: str) -> str:
        """Give a field exactly as it was sent; empty when absent."""
        return self.fields.get(name, "")


async def read_form(request: Request) -> Form:
    """Read the posted form; UnsupportedMediaTypeError, PayloadTooLargeError or BadRequestError when it is none of ours."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_MEDIA_TYPE:
        raise UnsupportedMediaTypeError("A form is expected here.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise PayloadTooLargeError("The form is too large.")
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise BadRequestError("The form has too many fields.") from error
    return Form(dict(pairs), tuple(pairs))


def has_control_characters(text: str) -> bool:
    """Tell whether a text has characters that nobody types."""
    return _CONTROL.search(text) is not None


def choice_of(options: type[Choice], text: str) -> Choice | None:
    """Give the option of that value; None when there is none."""
    try:
        return options(text)
    except ValueError:
        return None


def version_of(form: Form) -> int:
    """Give the version that the form was made from; BadRequestError when it is missing or none of ours."""
    text = form.text("version")
    if re.fullmatch(r"[1-9][0-9]{0,9}", text) is None or int(text) > VERSION_MAX:
        raise BadRequestError("The form is incomplete. Open the page again and repeat your change.")
    return int(text)


@dataclass(frozen=True, slots=True)
class WorkForm:
    """The stage form as it was sent: texts, so that a refused one is shown again unaltered."""

    engagement_stage: str
    status: str
    next_follow_up: str

    @classmethod
    def of_lead(cls, lead: Lead) -> WorkForm:
        """Give the form that shows a lead as it is."""
        follow_up = lead.next_follow_up.isoformat() if lead.next_follow_up else ""
        return cls(lead.engagement_stage.value, lead.status.value, follow_up)

    @classmethod
    def sent(cls, form: Form) -> WorkForm:
        """Give the form that was sent."""
        return cls(form.text("engagement_stage"), form.text("status"), form.text("next_follow_up"))

    def holds_on(self, lead: Lead) -> bool:
        """Tell whether the lead has these values already (closing a lead clears its follow-up)."""
        now = WorkForm.of_lead(lead)
        cleared = lead.engagement_stage in CLOSED_STAGES and lead.next_follow_up is None
        same_follow_up = self.next_follow_up == now.next_follow_up or cleared
        return (self.engagement_stage, self.status) == (now.engagement_stage, now.status) and same_follow_up

    def parse(self, lead: Lead) -> tuple[LeadChange | None, Errors]:
        """Give the change that the form asks for on ``lead``, or a message for each field that is refused.

        A follow-up counts as set only when it differs from the lead's, so that closing a lead clears the one it had.
        """
        errors: Errors = {}
        stage, status = choice_of(Stage, self.engagement_stage), choice_of(LeadStatus, self.status)
        if stage is None or stage not in allowed_stages(lead.engagement_stage):
            errors["engagement_stage"] = "Choose one of the stages."
        if status is None:
            errors["status"] = "Choose one of the options."
        follow_up = _date_of(self.next_follow_up) if self.next_follow_up else None
        if self.next_follow_up and follow_up is None:
            errors["next_follow_up"] = "Enter a date, such as 2026-11-30."
        if errors or stage is None:
            return None, errors
        return LeadChange(stage, status, follow_up != lead.next_follow_up, follow_up), errors


def parse_note(form: Form) -> tuple[str, Errors]:
    """Give the note's text, and a message when it is refused."""
    text = form.text("body")
    if not text:
        return text, {"body": "Write something first."}
    if len(text) > NOTE_LENGTH_MAX:
        return text, {"body": f"The note has {len(text):,} characters; at most {NOTE_LENGTH_MAX:,} are kept."}
    if has_control_characters(text):
        return text, {"body": "The note has characters that cannot be kept."}
    return text, {}


def _date_of(text: str) -> date | None:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
