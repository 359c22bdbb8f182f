"""Bodies of the requests about many leads at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field

from tpe.infra.schemas import (
    ID_MAX,
    NO_NUL,
    IsoDate,
    RequestModel,
    ResponseModel,
    Version,
    VersionNumber,
    described,
    read_integral,
)
from tpe.leads.bulk import BULK_LEADS_MAX, Outcome, ReadLead, Result
from tpe.leads.model import LeadChange, LeadFilter
from tpe.leads.schemas import StageText, StatusText

SEARCH_LENGTH_MAX = 100

Id = Annotated[int, Field(ge=1, le=ID_MAX), BeforeValidator(read_integral)]
Score = Annotated[int, Field(ge=0, le=100), BeforeValidator(read_integral)]


class LeadVersion(RequestModel):
    """A lead and the version of it that was read."""

    model_config = described({"id": 1, "version": 1})

    id: Id
    version: VersionNumber


def _each_once(leads: list[LeadVersion]) -> list[LeadVersion]:
    if len({lead.id for lead in leads}) < len(leads):
        raise ValueError("must not name a lead twice")
    return leads


class ChangeLeadsRequest(RequestModel):
    """What to set on each of the leads, as for a single one."""

    model_config = described(
        {"leads": [{"id": 1, "version": 1}, {"id": 2, "version": 3}], "engagement_stage": "contacted", "status": "active"}
    )

    leads: Annotated[list[LeadVersion], Field(min_length=1, max_length=BULK_LEADS_MAX), AfterValidator(_each_once)]
    engagement_stage: StageText
    status: StatusText | None = None
    next_follow_up: IsoDate | None = None

    def change(self) -> LeadChange:
        """Give the change that this asks for."""
        return LeadChange(
            engagement_stage=self.engagement_stage,
            status=self.status,
            set_follow_up="next_follow_up" in self.model_fields_set,
            next_follow_up=self.next_follow_up,
        )

    def wanted(self) -> list[ReadLead]:
        """Give the leads that this is about."""
        return [ReadLead(lead.id, lead.version) for lead in self.leads]


class LeadResult(ResponseModel):
    """What became of one lead, and its version now; null when there is no such lead for this partner."""

    model_config = described({"id": 1, "outcome": "changed", "version": 2})

    id: int
    outcome: Outcome
    version: Version | None


class LeadsChanged(ResponseModel):
    """What became of each lead, in the order asked. Those that were not changed are as they were."""

    success: Literal[True] = True
    changed: int = Field(ge=0, le=BULK_LEADS_MAX)
    results: list[LeadResult]

    @classmethod
    def of(cls, results: Sequence[Result]) -> Self:
        """Make the body from results."""
        changed = sum(result.outcome is Outcome.CHANGED for result in results)
        return cls(changed=changed, results=[LeadResult.model_validate(result) for result in results])


class ExportLeadsRequest(RequestModel):
    """Which leads to export, as the list's filters say it; without a member all of them."""

    model_config = described({"engagement_stage": "contacted", "min_score": 60})

    engagement_stage: StageText | None = None
    status: StatusText | None = None
    min_score: Score | None = None
    max_score: Score | None = None
    search: Annotated[str, Field(max_length=SEARCH_LENGTH_MAX, pattern=NO_NUL)] | None = None
    primary_only: bool = False

    def chosen(self) -> LeadFilter:
        """Give the filter."""
        return LeadFilter(
            self.engagement_stage, self.status, self.min_score, self.max_score, self.search or None, self.primary_only
        )
