"""The two forms of a contractor's registration, checked as the API checks its bodies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tpe.auth.credentials import EMAIL, EMAIL_LENGTH_MAX
from tpe.auth.passwords import PASSWORD_LENGTH_MAX
from tpe.contractors.registration import CODE_DIGITS, Applicant
from tpe.infra.schemas import LINE, LINE_LENGTH_MAX, PHONE, PHONE_LENGTH_MAX
from tpe.web.forms import Errors, Form
from tpe.web.profile_form import Rules, unfit

CODE_WANTED: Final = f"Enter the {CODE_DIGITS} digits of the code."
_FIELDS: Final[Rules] = {
    "name": (LINE, LINE_LENGTH_MAX, "Enter your name."),
    "company_name": (LINE, LINE_LENGTH_MAX, "Enter your company's name."),
    "email": (EMAIL, EMAIL_LENGTH_MAX, "Enter an e-mail address, such as name@example.com."),
    "phone": (PHONE, PHONE_LENGTH_MAX, "Enter a phone number, such as +1 202 555 0104."),
}


def read_applicant(form: Form) -> tuple[Applicant, Errors]:
    """Give who the form says applies, and a message for each field that is refused."""
    applicant = Applicant(**{name: form.text(name) for name in _FIELDS})
    return applicant, unfit(applicant, _FIELDS)


@dataclass(frozen=True, slots=True)
class Proof:
    """The code and the password that came with it."""

    code: str
    password: str


def read_proof(form: Form) -> tuple[Proof, Errors]:
    """Give the code and the password, and a message for each field that is refused before anything is asked."""
    proof = Proof(form.text("code").replace(" ", ""), form.secret("password"))
    errors: Errors = {}
    if re.fullmatch(rf"[0-9]{{{CODE_DIGITS}}}", proof.code, re.ASCII) is None:
        errors["code"] = CODE_WANTED
    if len(proof.password) > PASSWORD_LENGTH_MAX:
        errors["password"] = f"Choose a password of at most {PASSWORD_LENGTH_MAX} characters."
    elif proof.password != form.secret("password_again"):
        errors["password_again"] = "The two passwords differ."
    return proof, errors
