"""Member types of bodies with what matches are made from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tpe.infra.schemas import Unique
from tpe.matching.model import Need, Revenue, Trade

UNIQUE = {"uniqueItems": True}

TradeText = Annotated[Trade, Field(strict=False)]
NeedText = Annotated[Need, Field(strict=False)]
RevenueText = Annotated[Revenue, Field(strict=False)]
Trades = Annotated[list[TradeText], Field(max_length=len(Trade), json_schema_extra=UNIQUE), Unique]
Needs = Annotated[list[NeedText], Field(max_length=len(Need), json_schema_extra=UNIQUE), Unique]
Revenues = Annotated[list[RevenueText], Field(max_length=len(Revenue), json_schema_extra=UNIQUE), Unique]
