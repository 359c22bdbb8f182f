"""The forms of profiles: texts as they were sent, and what they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from tpe.contractors.model import TEAM_SIZE_MAX, Contractor, ContractorProfile
from tpe.infra.schemas import LINE, LINE_LENGTH_MAX, PHONE, PHONE_LENGTH_MAX, STATE
from tpe.matching.model import Need, Revenue, Trade
from tpe.partners.model import STATES_MAX, WEBSITE, WEBSITE_LENGTH_MAX, Partner, PartnerProfile
from tpe.web.forms import Errors, Form

Option = TypeVar("Option", bound=StrEnum)
Rules = Mapping[str, tuple[str, int, str]]
"""By field: the pattern that a text must have, how long it may be, and what is said of any other."""

_CONTRACTOR: Final[Rules] = {
    "name": (LINE, LINE_LENGTH_MAX, "Enter your name."),
    "company_name": (LINE, LINE_LENGTH_MAX, "Enter your company's name."),
    "phone": (PHONE, PHONE_LENGTH_MAX, "Enter a phone number, such as +1 202 555 0104."),
    "city": (LINE, LINE_LENGTH_MAX, "Enter the city that you work from."),
    "state": (STATE, 2, "Enter the two letters of the state, such as WA."),
}
_PARTNER: Final[Rules] = {
    "company_name": (LINE, LINE_LENGTH_MAX, "Enter your company's name."),
    "contact_name": (LINE, LINE_LENGTH_MAX, "Enter whom contractors talk to."),
    "phone": (PHONE, PHONE_LENGTH_MAX, "Enter a phone number, such as +1 202 555 0104."),
    "website": (WEBSITE, WEBSITE_LENGTH_MAX, "Enter an address, such as https://www.example.com."),
}


@dataclass(frozen=True, slots=True)
class ProfileForm:
    """A contractor's profile as it was sent, so that a refused one is shown again unaltered."""

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
        errors = unfit(self, _CONTRACTOR)
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


@dataclass(frozen=True, slots=True)
class PartnerForm:
    """A partner's profile as it was sent, so that a refused one is shown again unaltered."""

    company_name: str
    contact_name: str
    phone: str
    website: str
    states: str
    trades: tuple[str, ...]
    needs: tuple[str, ...]
    revenues: tuple[str, ...]

    @classmethod
    def of(cls, partner: Partner) -> PartnerForm:
        """Give the form that shows a partner as it is."""
        return cls(
            company_name=partner.company_name,
            contact_name=partner.contact_name,
            phone=partner.phone,
            website=partner.website,
            states=", ".join(partner.states),
            trades=tuple(partner.trades),
            needs=tuple(partner.needs),
            revenues=tuple(partner.revenues),
        )

    @classmethod
    def sent(cls, form: Form) -> PartnerForm:
        """Give the form that was sent."""
        return cls(
            company_name=form.text("company_name"),
            contact_name=form.text("contact_name"),
            phone=form.text("phone"),
            website=form.text("website"),
            states=form.text("states").upper(),
            trades=form.texts("trades"),
            needs=form.texts("needs"),
            revenues=form.texts("revenues"),
        )

    def parse(self) -> tuple[PartnerProfile | None, Errors]:
        """Give the profile that the form says, or a message for each field that is refused."""
        errors = unfit(self, _PARTNER)
        states = tuple(dict.fromkeys(re.findall(r"[^\s,;]+", self.states)))
        if len(states) > STATES_MAX or not all(re.fullmatch(STATE, state) for state in states):
            errors["states"] = "Enter states by their two letters, such as OR, WA."
        trades, needs = options_of(Trade, self.trades, "trades", errors), options_of(Need, self.needs, "needs", errors)
        revenues = options_of(Revenue, self.revenues, "revenues", errors)
        if errors:
            return None, errors
        profile = PartnerProfile(
            company_name=self.company_name,
            contact_name=self.contact_name,
            phone=self.phone,
            website=self.website,
            states=states,
            trades=trades,
            needs=needs,
            revenues=revenues,
        )
        return profile, errors


def unfit(form: object, rules: Rules) -> Errors:
    """Give a message for each text of a form that its rule refuses."""
    texts = {name: str(getattr(form, name)) for name in rules}
    return {
        name: message
        for name, (pattern, length_max, message) in rules.items()
        if len(texts[name]) > length_max or re.fullmatch(pattern, texts[name]) is None
    }


def options_of(kind: type[Option], texts: Sequence[str], name: str, errors: Errors) -> tuple[Option, ...]:
    """Give the options that were ticked, each once and in their usual order; an error when one is none."""
    if not set(texts) <= set(kind):
        errors[name] = "Choose from the options."
    return tuple(option for option in kind if option in texts)
