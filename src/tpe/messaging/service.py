"""Messages to contractors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tpe.contractors.errors import ContractorNotFoundError
from tpe.infra.db import Database, fetch_all, fetch_one
from tpe.messaging import queries

MESSAGES_SHOWN_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a contractor, never changed once posted."""

    id: int
    contractor_id: int
    body: str
    created_at: datetime


async def post_message(db: Database, contractor_id: int, body: str) -> Message:
    """Leave a message for a contractor; ContractorNotFoundError when there is none."""
    values = {"contractor_id": contractor_id, "body": body}
    async with db.transaction() as connection:
        message = await fetch_one(connection, Message, queries.POST_MESSAGE, values)
    if message is None:
        raise ContractorNotFoundError
    return message


async def messages_of(db: Database, contractor_id: int) -> list[Message]:
    """Give a contractor's newest messages, newest first, at most MESSAGES_SHOWN_MAX."""
    values = {"contractor_id": contractor_id, "rows_max": MESSAGES_SHOWN_MAX}
    async with db.connection() as connection:
        return await fetch_all(connection, Message, queries.MESSAGES_OF_CONTRACTOR, values)
