"""Whether the process lives, and whether it can serve. Open to everyone, and telling nothing else."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from tpe.context import PlatformDep
from tpe.infra.documentation import responses
from tpe.infra.problems import UnavailableError
from tpe.infra.routing import ApiRoute
from tpe.infra.schemas import ResponseModel

READY_TIMEOUT_S = 1.5
"""How long readiness waits for the database: shorter than any orchestrator's own patience."""

router = APIRouter(prefix="/api/health", tags=["health"], route_class=ApiRoute)


class Live(ResponseModel):
    """The process answers."""

    success: Literal[True] = True
    status: Literal["live"] = "live"


class Ready(ResponseModel):
    """The process and what it needs answer."""

    success: Literal[True] = True
    status: Literal["ready"] = "ready"


@router.get("/live", operation_id="healthLive", summary="Whether the process lives", responses=responses(400))
async def live() -> Live:
    """Answer 200 as long as the process can answer at all."""
    return Live()


@router.get("/ready", operation_id="healthReady", summary="Whether requests can be served", responses=responses(400, 503))
async def ready(platform: PlatformDep) -> Ready:
    """Answer 200 when the database answers a statement and Redis answers at all, 503 otherwise."""
    await platform.db.ping(READY_TIMEOUT_S)
    if not await platform.shared.ping():
        raise UnavailableError
    return Ready()
