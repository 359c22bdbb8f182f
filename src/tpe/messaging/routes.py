"""The automation's API: messages to contractors."""

from __future__ import annotations

from fastapi import APIRouter

from tpe.auth.machine import Machine
from tpe.context import PlatformDep
from tpe.infra.documentation import BODY_STATUSES, responses
from tpe.infra.routing import ApiRoute
from tpe.messaging.schemas import MessageOut, MessagePosted, PostMessageRequest
from tpe.messaging.service import post_message

router = APIRouter(prefix="/api/messages", tags=["messages"], route_class=ApiRoute)


@router.post(
    "",
    status_code=201,
    operation_id="postMessage",
    summary="Leave a message for a contractor",
    dependencies=[Machine],
    responses=responses(*BODY_STATUSES, 401, 404, 503),
)
async def post(platform: PlatformDep, body: PostMessageRequest) -> MessagePosted:
    """Keep a message; the contractor finds it in its portal."""
    message = await post_message(platform.db, body.contractor_id, body.body)
    return MessagePosted(posted=MessageOut.model_validate(message))
