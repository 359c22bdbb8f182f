"""The admin dashboard, from the cache where it is fresh: everybody's writes change it, so it ends by its age alone."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter

from tpe.admin.model import AdminDashboard
from tpe.admin.service import admin_dashboard
from tpe.context import Platform
from tpe.infra.cache import Kept, Owner

FRESH_S: Final = 2.0
DASHBOARD: Final = Kept("admin-dashboard", TypeAdapter(AdminDashboard), FRESH_S)
EVERYBODY: Final = Owner("admin", 0)
"""Every administrator sees the same."""


async def fresh_admin_dashboard(platform: Platform) -> AdminDashboard:
    """Give the platform at a glance, at most FRESH_S seconds old."""
    return await platform.cache.fetch(DASHBOARD, EVERYBODY, lambda: admin_dashboard(platform.db))
