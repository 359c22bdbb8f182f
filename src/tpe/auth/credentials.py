"""Member types of bodies that carry credentials."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tpe.auth.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from tpe.infra.schemas import NO_NUL

EMAIL_LENGTH_MAX = 254
"""RFC 5321's longest forward path, without its brackets."""

EMAIL = r"^[!-?A-~]+@[!-?A-~]+$"
"""Printable ASCII around one "@", without classes such as white space that regular expressions disagree on."""

Email = Annotated[
    str,
    Field(min_length=3, max_length=EMAIL_LENGTH_MAX, pattern=EMAIL, examples=["partner.one@example.test"]),
]
Password = Annotated[
    str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX, pattern=NO_NUL, json_schema_extra={"format": "password"})
]
NewPassword = Annotated[
    str,
    Field(
        min_length=PASSWORD_LENGTH_MIN,
        max_length=PASSWORD_LENGTH_MAX,
        pattern=NO_NUL,
        description="With a lower-case letter, an upper-case letter and a digit. Not the current one.",
        json_schema_extra={"format": "password"},
    ),
]
