"""The sections of a draft about one-time codes and limits: what the document shows, and what only a person knows."""

from __future__ import annotations

import re

from harness.probes.openapi.document import Document
from harness.probes.scene.flows import Flow, flows_of
from harness.targets.draft_objects import quoted

_LIMITS = (
    "",
    "# [limits]  # what the platform promises, for one address but for failed_per_account: then it is tested",
    "# requests = 100",
    "# log_in_attempts = 5",
    "# failed_per_account = 5",
    "# window_s = 900",
)


def codes(document: Document) -> list[str]:
    """A section for each flow with a code, all of it comments: they are found without it, and it says how a code is read."""
    return [line for flow in flows_of(document, ()) for line in _section(flow)]


def limits() -> list[str]:
    """A section to fill in."""
    return list(_LIMITS)


def _section(flow: Flow) -> list[str]:
    name = re.sub(r"[^a-z0-9]+", "-", flow.start.path.rsplit("/", 1)[-1].lower()).strip("-") or "code"
    return [
        "",
        f"# [codes.{name}]  # seen in the document; say how a code reads in the log of a build for tests, where it writes them",
        f"# start = {quoted(flow.start.name)}",
        f"# confirm = {quoted(flow.confirm.name)}",
        f"# member = {quoted(flow.code)}",
        "# log_pattern = 'code for \\S+: (\\d{6})'",
    ]
