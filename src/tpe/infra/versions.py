"""The version that a write must name, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Header

from tpe.infra.problems import PreconditionFailedError, PreconditionRequiredError
from tpe.infra.schemas import VERSION_MAX

IF_MATCH_PATTERN: Final = r'^([1-9][0-9]{0,9}|"[1-9][0-9]{0,9}")$'
"""One strong entity tag of ours; its quotes may be left out. Lists, weak tags and ``*`` name no version that was read."""

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=IF_MATCH_PATTERN, description="The ETag that was read.", examples=['"1"']),
]


def entity_tag(version: int) -> str:
    """Give the ETag of what is at ``version``."""
    return f'"{version}"'


def named_version(if_match: str | None, member: int | None) -> int:
    """Give the version that a write names by header or member.

    PreconditionRequiredError when by neither; PreconditionFailedError when they disagree (one of them is outdated).
    """
    in_header = int(if_match.strip('"')) if if_match is not None else None
    if in_header is not None and member not in (None, in_header):
        raise PreconditionFailedError("If-Match and the member version name different versions.")
    version = member if in_header is None else in_header
    if version is None:
        raise PreconditionRequiredError
    if version > VERSION_MAX:
        raise PreconditionFailedError
    return version
