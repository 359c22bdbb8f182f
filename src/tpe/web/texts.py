"""The words of the pages: labels, dates, numbers. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import quote

from tpe.infra.paging import TOTAL_MAX
from tpe.leads.model import LeadStatus, Stage
from tpe.matching.model import Need, Revenue, Trade

STAGE_LABELS: Final = {
    Stage.NEW: "New",
    Stage.CONTACTED: "Contacted",
    Stage.MEETING_SCHEDULED: "Meeting scheduled",
    Stage.PROPOSAL_SENT: "Proposal sent",
    Stage.NEGOTIATING: "Negotiating",
    Stage.WON: "Won",
    Stage.LOST: "Lost",
    Stage.NURTURING: "Nurturing",
}
STATUS_LABELS: Final = {LeadStatus.ACTIVE: "Active", LeadStatus.PAUSED: "Paused", LeadStatus.ARCHIVED: "Archived"}
FIELD_LABELS: Final = {"engagement_stage": "Stage", "status": "Status", "next_follow_up": "Follow-up"}
TRADE_LABELS: Final = {trade: trade.value.capitalize() for trade in Trade} | {Trade.HEATING_AIR: "Heating and air"}
NEED_LABELS: Final = {need: need.value.capitalize() for need in Need}
REVENUE_LABELS: Final = {
    Revenue.UNDER_500K: "Under $500,000",
    Revenue.UNDER_2M: "$500,000 to $2 million",
    Revenue.UNDER_10M: "$2 million to $10 million",
    Revenue.OVER_10M: "Over $10 million",
}
SCORE_HIGH: Final = 80
SCORE_MIDDLE: Final = 60
"""Where a match score changes its colour; the number stands beside it always."""


def day(value: date) -> str:
    """Give a date as ``3 Nov 2026``."""
    return f"{value.day} {value:%b %Y}"


def moment(value: datetime) -> str:
    """Give a time as ``3 Nov 2026, 14:05 UTC``."""
    value = value.astimezone(UTC)
    return f"{day(value)}, {value:%H:%M} UTC"


def number(value: int) -> str:
    """Give a count with thousands apart: ``12,345``."""
    return f"{value:,}"


def count_up_to(value: int) -> str:
    """Give a total that is exact only under TOTAL_MAX: ``812``, or ``10,000 or more``."""
    return number(value) if value < TOTAL_MAX else f"{TOTAL_MAX:,} or more"


def plural(count: int, one: str, many: str) -> str:
    """Give the word that fits a count."""
    return one if count == 1 else many


def score_level(score: float) -> str:
    """Give ``high``, ``middle`` or ``low``: a class of the style sheet."""
    if score >= SCORE_HIGH:
        return "high"
    return "middle" if score >= SCORE_MIDDLE else "low"


def due(value: date, today: date) -> str:
    """Give when a follow-up is due, seen from ``today``: ``overdue``, ``today`` or ``later``."""
    if value < today:
        return "overdue"
    return "today" if value == today else "later"


def value_label(field: str, value: str | None) -> str:
    """Give a value of a lead's history in words: ``won`` of ``engagement_stage`` is ``Won``; nothing is ``none``."""
    if value is None:
        return "none"
    if field == "engagement_stage":
        return STAGE_LABELS[Stage(value)]
    if field == "status":
        return STATUS_LABELS[LeadStatus(value)]
    return day(date.fromisoformat(value)) if field == "next_follow_up" else value


def telephone_link(phone: str) -> str:
    """Give the ``tel:`` address (RFC 3966) of a phone number as people write it: digits, a leading plus, an extension."""
    base, _, extension = phone.lower().partition("x")
    digits = re.sub(r"[^0-9]", "", base)
    plus = "+" if base.strip().startswith("+") else ""
    extension = re.sub(r"[^0-9]", "", extension)
    return f"tel:{plus}{digits}" + (f";ext={extension}" if extension else "")


def mail_link(address: str) -> str:
    """Give the ``mailto:`` address (RFC 6068) of an e-mail address."""
    return f"mailto:{quote(address, safe='@')}"


def initials(name: str) -> str:
    """Give one or two letters that stand for a name."""
    words = re.findall(r"\w+", name)
    return "".join(word[0] for word in words[:2]).upper() or "?"
