"""A PostgreSQL for the target: in Docker, embedded, or the user's own; all with the statement record ready."""

from __future__ import annotations

from harness.databases.access import Access
from harness.databases.operations import Databases
from harness.databases.provide import PROVIDERS, open_server
from harness.databases.server import DatabaseServer

__all__ = ["PROVIDERS", "Access", "DatabaseServer", "Databases", "open_server"]
