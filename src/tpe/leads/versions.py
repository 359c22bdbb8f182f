"""The version that a write must name, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Header

from tpe.infra.problems import BadRequestError, FieldError, PreconditionRequiredError
from tpe.infra.schemas import VERSION_MAX

IF_MATCH_PATTERN: Final = r'^"[1-9][0-9]{0,9}"$'
"""One strong entity tag of ours. Lists, weak tags and ``*`` name no version that was read."""

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=IF_MATCH_PATTERN, description="The ETag that was read.", examples=['"1"']),
]


def entity_tag(version: int) -> str:
    """Give the ETag of a lead at ``version``."""
    return f'"{version}"'


def named_version(if_match: str | None, member: int | None) -> int:
    """Give the version that a write names by header or member.

    PreconditionRequiredError when by neither; BadRequestError when they disagree or no version can be that large.
    """
    in_header = int(if_match.strip('"')) if if_match is not None else None
    if in_header is None and member is None:
        raise PreconditionRequiredError
    if in_header is not None and (in_header > VERSION_MAX or member not in (None, in_header)):
        raise BadRequestError(
            "If-Match does not name a version, or another one than the body.",
            errors=[FieldError("header", "If-Match", "must be the version that was read, as the member version says")],
        )
    return in_header if in_header is not None else member  # type: ignore[return-value]  # one of them is there
