"""What may be done to a target, and where traffic may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from harness.config.targets import is_loopback
from harness.model.errors import TargetError
from harness.model.target import Environment, Target

Action = Literal["writes", "load", "active_scan", "faults"]


@dataclass(frozen=True)
class Refusal:
    """Why an action is not done to this target."""

    action: Action
    reason: str


def refusal(target: Target, action: Action) -> Refusal | None:
    """Why the action must not be done, or `None` where it may. Production refuses everything, whatever else is set."""
    if target.environment is Environment.PRODUCTION:
        return Refusal(action, f"{target.name} is production: {action} is never done there")
    if not getattr(target.allow, action):
        return Refusal(action, f"{target.name} does not allow {action} (allow.{action} in its file)")
    return None


def check_address(target: Target, url: str) -> None:
    """Refuses an address whose host the target does not list; a local target has loopback addresses only.

    Raises:
        TargetError: the request is not sent.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host not in target.hosts and parts.netloc.rpartition("@")[2].lower() not in target.hosts:
        raise TargetError(
            f"{target.name}: no traffic to {host or url}", hint=f"its hosts are: {', '.join(target.hosts) or 'none'}"
        )
    if target.environment is Environment.LOCAL and not is_loopback(host):
        raise TargetError(f"{target.name} is local, and {host} is not this machine", hint='set environment = "staging"')
