"""Who sends a request, and that one cannot be made."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.target import Role


@dataclass(frozen=True)
class Asker:
    """Who sends a request; both "" is somebody without a credential."""

    role: str = ""
    user: str = ""

    @classmethod
    def first_of(cls, role: Role) -> Asker:
        """The first user of a role."""
        return cls(role.name, role.users[0].name)

    @property
    def who(self) -> str:
        """The role, or "nobody"."""
        return self.role or "nobody"

    @property
    def title(self) -> str:
        """How a sentence names it; a role without a user is another user of it."""
        if not self.role:
            return "somebody without a credential"
        return f"{self.role} {self.user}" if self.user else f"another {self.role}"


NOBODY = Asker()


class Untestable(Exception):
    """An operation cannot be tried; the text says why. Always caught where the operation is recorded."""
