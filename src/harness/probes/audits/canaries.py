"""Canaries: texts put where a secret column is empty, so that whatever gives the column away is seen on any data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from harness.model.finding import Finding, Symptom
from harness.probes.audits.exposure import given_away
from harness.probes.audits.traces import examine_log
from harness.probes.checks import Report
from harness.probes.deaths import Death
from harness.probes.http.door import Door
from harness.probes.http.doors import Doors
from harness.probes.openapi.document import Document
from harness.probes.scene.secret_columns import empty_columns, plant
from harness.probes.tour import Tour, take_tour


def examine_canaries(doors: Doors, shared: Door, document: Document, seed: int, usual: Tour) -> Report:
    """Takes the tour once more on data with canaries, and searches every answer and the log for them.

    A canary can stand in the way of a log-in (as the key of a second factor that nobody set up): where a role is missing that
    took the `usual` tour, the rows in which the users' names stand are spared.

    Args:
        shared: a target on the same data; without an empty secret column in its database there is nothing to do.
    """
    if not empty_columns(shared.dsn, shared.target.secret_columns):
        return Report("canaries", note="no secret column has room for a canary")
    planting = _Planting(doors, seed)
    tour = take_tour(planting, document, seed)
    death = tour.death
    if set(usual.roles) - set(tour.roles):
        planting = _Planting(doors, seed, {user.username for role in shared.target.roles for user in role.users})
        tour = take_tour(planting, document, seed)
        death = death or tour.death
    if not planting.canaries:
        return Report("canaries", note="no secret column takes a canary")
    found = [finding for visit in tour.visits for finding in given_away(visit, planting.canaries)]
    found += [*planting.logged, *([_died_of(death)] if death else [])]
    return Report("canaries", len(tour.visits), found, note="" if tour.visits else "nothing answered", broken=tour.died)


def _died_of(death: Death) -> Finding:
    """Without requests: by itself, on data without canaries, the last one need not kill anything."""
    observed = "After this request, with texts of ours where its secret columns are empty, the target did not answer any more."
    return replace(death.finding, observed=observed, steps=(), symptom=Symptom())


@dataclass
class _Planting:
    """Targets as `doors` gives them, with canaries in their data; what their logs hold of these is `logged`."""

    doors: Doors
    seed: int
    spared: Collection[str] = ()
    canaries: dict[str, frozenset[str]] = field(default_factory=dict)
    logged: list[Finding] = field(default_factory=list)

    @property
    def isolated(self) -> bool:
        return self.doors.isolated

    @contextmanager
    def fresh(self, label: str) -> Iterator[Door]:
        with self.doors.fresh(label) as door:
            self.canaries |= plant(door.dsn, self.seed, door.target.secret_columns, self.spared)
            yield door
            self.logged += examine_log(door.log_path, self.canaries).findings
