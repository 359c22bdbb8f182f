"""What a target gives, and so which stages can run against it."""

from __future__ import annotations

from harness.model.plan import Stage
from harness.model.target import Target

NEEDS = ("document", "users", "pages", "database", "source", "start")


def gives(target: Target) -> tuple[str, ...]:
    """The things of `NEEDS` that this target gives."""
    has = {
        "document": target.document is not None or bool(target.document_path),
        "users": any(role.users for role in target.roles),
        "pages": any(role.page_login for role in target.roles),
        "database": target.takes_database,
        "source": bool(target.source),
        "start": bool(target.commands.start),
    }
    return tuple(need for need in NEEDS if has[need])


def lacking(target: Target, stage: Stage) -> tuple[str, ...]:
    """What the stage needs and the target does not give."""
    given = gives(target)
    return tuple(need for need in stage.needs if need not in given)
