"""Bases and member types of request and response bodies, and of query and path values.

Bodies are strict: JSON scalars are not coerced and unknown members are refused; enums, dates and times are read from
their text form only. Query and path values are text by nature and are read from exactly one written form each.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tpe.infra.paging import LIMIT_MAX, WINDOW_ROWS_MAX

Item = TypeVar("Item")
ID_MAX: Final = 2**53 - 1
"""Largest id taken: what every JSON reader holds exactly (ECMAScript's MAX_SAFE_INTEGER)."""
VERSION_MAX: Final = 2**31 - 1
"""The database's integer."""
NO_NUL: Final = r"^[^\u0000]*$"
"""PostgreSQL's text holds no NUL character."""
LINE: Final = r"^[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$"
"""One line of text that begins with something to see: a name, a place."""
PHONE: Final = r"^\+?\(?[0-9](?:[ ().-]{0,2}[0-9]){6,14}$"
"""7 to 15 digits (ITU-T E.164) as people write them."""
STATE: Final = r"^[A-Z]{2}$"
UUID_TEXT: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
LINE_LENGTH_MAX: Final = 120
PHONE_LENGTH_MAX: Final = 32
_WHOLE_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class RequestModel(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ResponseModel(BaseModel):
    """Base of response bodies; made from the services' dataclasses."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


def described(example: dict[str, Any]) -> ConfigDict:
    """Give the configuration of a model whose schema shows ``example``."""
    return ConfigDict(json_schema_extra={"examples": [example]})


def read_whole_number(value: object) -> object:
    """Read the decimal text of a whole number (no sign but minus, no leading zero, no blanks); ValueError otherwise."""
    if not isinstance(value, str):
        return value
    if _WHOLE_NUMBER.fullmatch(value) is None:
        raise ValueError("must be a whole number")
    return int(value)


def read_flag(value: object) -> object:
    """Read ``true`` or ``false``; ValueError for any other text."""
    if not isinstance(value, str):
        return value
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def read_integral(value: object) -> object:
    """Read ``3.0`` as 3: JSON and JSON Schema know one number, however it is written. Anything else stays as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def refuse_repeated(values: list[Item]) -> list[Item]:
    """Give the values; ValueError when one stands there twice."""
    if len(set(values)) < len(values):
        raise ValueError("must not hold the same value twice")
    return values


def read_date(value: object) -> object:
    """Read ``YYYY-MM-DD``; ValueError for anything else, times and numbers included."""
    if value is None or isinstance(value, date):
        return value
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise ValueError("must be a date as YYYY-MM-DD")
    return date.fromisoformat(value)


State = Annotated[str, Field(pattern=STATE, examples=["WA"])]
"""A state of the USA by its two letters."""
Line = Annotated[str, Field(min_length=1, max_length=LINE_LENGTH_MAX, pattern=LINE)]
"""A name or a place in a body."""
Phone = Annotated[str, Field(min_length=7, max_length=PHONE_LENGTH_MAX, pattern=PHONE, examples=["+1 202 555 0104"])]
"""A phone number in a body."""
Unique = AfterValidator(refuse_repeated)
"""Makes a list of a body refuse the same value twice; add it behind the list's Field."""
IdText = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(read_whole_number)]
"""An id in a query or path."""
ScoreText = Annotated[int, Field(ge=0, le=100), BeforeValidator(read_whole_number)]
"""A match score in a query."""
PageText = Annotated[int, Field(ge=1, le=WINDOW_ROWS_MAX), BeforeValidator(read_whole_number)]
"""A page's number in a query."""
LimitText = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(read_whole_number)]
"""How many rows a page has, in a query."""
Flag = Annotated[bool, BeforeValidator(read_flag)]
"""A yes or no in a query."""
IsoDate = Annotated[date, BeforeValidator(read_date), Field(strict=False)]
"""A date in a body."""
Version = Annotated[int, Field(ge=1, le=VERSION_MAX)]
"""How many times something was written, from 1."""
VersionNumber = Annotated[int, Field(ge=1, le=VERSION_MAX), BeforeValidator(read_integral)]
"""A version in a body."""
