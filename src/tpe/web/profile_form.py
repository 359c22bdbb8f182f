"""The form of a contractor's profile: texts as they were sent, and what they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from tpe.contractors.model import TEAM_SIZE_MAX, Contractor, ContractorProfile
from tpe.infra.schemas import LINE, LINE_LENGTH_MAX, PHONE, PHONE_LENGTH_MAX, STATE
from tpe.matching.model import Need, Revenue, Trade
from tpe.web.forms import Errors, Form

Option = TypeVar("Option", bound=StrEnum)
_LINES: Final = {
    "name": (LINE, LINE_LENGTH_MAX, "Enter your name."),
    "company_name": (LINE, LINE_LENGTH_MAX, "Enter your company's name."),
    "phone": (PHONE, PHONE_LENGTH_MAX, "Enter a phone number, such as +1 202 555 0104."),
    "city": (LINE, LINE_LENGTH_MAX, "Enter the city that you work from."),
    "state": (STATE, 2, "Enter the two letters of the state, such as WA."),
}


@dataclass(frozen=True, slots=True)
class ProfileForm:
    """The profile as it was sent, so that a refused one is shown again unaltered."""

    name: str
    company_name: str
    phone: str
    city: str
    state: str
    trades: tuple[str, ...]
    needs: tuple[str, ...]
    revenue: str
    team_size: str

    @classmethod
    def of(cls, contractor: Contractor) -> ProfileForm:
        """Give the form that shows a contractor as it is."""
        return cls(
            name=contractor.name,
            company_name=contractor.company_name,
            phone=contractor.phone,
            city=contractor.city,
            state=contractor.state,
            trades=tuple(contractor.trades),
            needs=tuple(contractor.needs),
            revenue=contractor.revenue or "",
            team_size=str(contractor.team_size or ""),
        )

    @classmethod
    def sent(cls, form: Form) -> ProfileForm:
        """Give the form that was sent."""
        return cls(
            name=form.text("name"),
            company_name=form.text("company_name"),
            phone=form.text("phone"),
            city=form.text("city"),
            state=form.text("state").upper(),
            trades=form.texts("trades"),
            needs=form.texts("needs"),
            revenue=form.text("revenue"),
            team_size=form.text("team_size"),
        )

    def parse(self) -> tuple[ContractorProfile | None, Errors]:
        """Give the profile that the form says, or a message for each field that is refused."""
        errors = {name: message for name, (pattern, length, message) in _LINES.items() if not self._fits(name, pattern, length)}
        revenue = options_of(Revenue, [self.revenue] if self.revenue else [], "revenue", errors)
        trades, needs = options_of(Trade, self.trades, "trades", errors), options_of(Need, self.needs, "needs", errors)
        team_size = int(self.team_size) if re.fullmatch("[0-9]{1,6}", self.team_size, re.ASCII) else None
        if self.team_size and not 1 <= (team_size or 0) <= TEAM_SIZE_MAX:
            errors["team_size"] = f"Enter a whole number from 1 to {TEAM_SIZE_MAX:,}."
        if errors:
            return None, errors
        profile = ContractorProfile(
            name=self.name,
            company_name=self.company_name,
            phone=self.phone,
            city=self.city,
            state=self.state,
            trades=trades,
            needs=needs,
            revenue=revenue[0] if revenue else None,
            team_size=team_size,
        )
        return profile, errors

    def _fits(self, name: str, pattern: str, length: int) -> bool:
        value: str = getattr(self, name)
        return len(value) <= length and re.fullmatch(pattern, value) is not None


def options_of(kind: type[Option], texts: Sequence[str], name: str, errors: Errors) -> tuple[Option, ...]:
    """Give the options that were ticked, each once and in their usual order; an error when one is none."""
    if not set(texts) <= set(kind):
        errors[name] = "Choose from the options."
    return tuple(option for option in kind if option in texts)
