"""The frequent reads of the partner portal, from the cache where they are fresh."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from tpe.context import Platform
from tpe.infra.cache import Kept, Owner
from tpe.leads import service
from tpe.leads.model import LeadStats, PartnerDashboard

FRESH_S: Final = 5.0
STATS: Final = Kept("lead-stats", TypeAdapter(LeadStats), FRESH_S)
DASHBOARD: Final = Kept("partner-dashboard", TypeAdapter(PartnerDashboard), FRESH_S)


def owner_of(partner_id: int) -> Owner:
    """Give the owner under which a partner's results are kept, whoever reads them."""
    return Owner("partner", partner_id)


async def lead_stats(platform: Platform, partner_id: int) -> LeadStats:
    """Give the counts over all leads of a partner."""
    return await platform.cache.fetch(STATS, owner_of(partner_id), lambda: service.lead_stats(platform.db, partner_id))


async def partner_dashboard(platform: Platform, partner_id: int) -> PartnerDashboard:
    """Give a partner's first screen."""
    return await platform.cache.fetch(DASHBOARD, owner_of(partner_id), lambda: service.partner_dashboard(platform.db, partner_id))


async def forget_partner(platform: Platform, partner_id: int) -> None:
    """Make worthless what is kept of a partner; call it after each write to its leads."""
    await platform.cache.forget(owner_of(partner_id))
