"""A seeded database that somebody else made and lends to a run: many runs of one platform need only one."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from harness.databases import Access

LENT_VARIABLE = "HARNESS_LENT_DATABASE"


@dataclass(frozen=True)
class LentDatabase:
    """A server, the template on it, and the data that the template holds. It holds secrets: pass it by environment only."""

    access: Access
    template: str
    password: str = field(repr=False)  # of the users in it
    size: str
    seed: int
    provider: str
    version: str
    location: str
    log_path: Path | None = None

    def fits(self, size: str, seed: int) -> bool:
        """Whether it holds the data that a run asks for."""
        return (self.size, self.seed) == (size, seed)

    def to_text(self) -> str:
        """For the environment of a run."""
        plain = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        return json.dumps({**plain, "access": self.access.to_text(), "log_path": str(self.log_path or "")})

    @classmethod
    def from_environment(cls) -> LentDatabase | None:
        """What the caller lends; None where it lends nothing."""
        text = os.environ.get(LENT_VARIABLE, "")
        if not text:
            return None
        plain = json.loads(text)
        log_path = Path(plain["log_path"]) if plain["log_path"] else None
        return cls(**{**plain, "access": Access.from_text(plain["access"]), "log_path": log_path})
