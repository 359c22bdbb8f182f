"""Bodies about messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tpe.infra.schemas import ID_MAX, NO_NUL, RequestModel, ResponseModel, described, read_integral

MESSAGE_LENGTH_MAX = 2_000


class PostMessageRequest(RequestModel):
    """A message and whom it is for."""

    model_config = described({"contractor_id": 1, "body": "Welcome! A partner will call you this week."})

    contractor_id: Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(read_integral)]
    body: str = Field(min_length=1, max_length=MESSAGE_LENGTH_MAX, pattern=NO_NUL)


class MessageOut(ResponseModel):
    """A message to a contractor."""

    id: int
    contractor_id: int
    body: str
    created_at: datetime


class MessagePosted(ResponseModel):
    """The message as it was kept."""

    model_config = described(
        {
            "success": True,
            "posted": {
                "id": 1,
                "contractor_id": 1,
                "body": "Welcome! A partner will call you this week.",
                "created_at": "2026-03-02T09:30:00Z",
            },
        }
    )

    success: Literal[True] = True
    posted: MessageOut
