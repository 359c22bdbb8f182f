"""What no single request shows again is seen again by examining once more: which examination a rule's findings come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.model.finding import Finding, Symptom
from harness.probes.abuse.codes import examine_codes
from harness.probes.abuse.enumeration import examine_enumeration
from harness.probes.abuse.guessing import examine_guessing
from harness.probes.abuse.mass_assignment import examine_mass_assignment
from harness.probes.abuse.slow_clients import examine_slow_clients
from harness.probes.abuse.torn_lists import examine_torn_lists
from harness.probes.access.authorization import examine_again
from harness.probes.access.pages_of_others import examine_pages_of_others
from harness.probes.access.pages_that_list import examine_pages_that_list
from harness.probes.access.wording import STAGE as AUTHORIZATION
from harness.probes.again import in_scene
from harness.probes.audits.outage import Severable, examine_outage
from harness.probes.audits.watched_log import examine_logs
from harness.probes.checks import Report
from harness.probes.http.door import Door
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.injection.entities import examine_entities
from harness.probes.injection.formulas import examine_formulas
from harness.probes.injection.injection import examine_injection
from harness.probes.injection.outward import examine_outgoing
from harness.probes.injection.redirects import examine_redirects
from harness.probes.injection.uploads import examine_uploads
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene
from harness.probes.sessions.forged_tokens import STAGE as SESSIONS
from harness.probes.sessions.sessions import SessionsRun


@dataclass(frozen=True)
class Found:
    """What an examination found. `gap` says why it could not look everywhere, "" where it could."""

    findings: tuple[Finding, ...]
    gap: str = ""


Examination = Callable[[Doors, Document, int], Found]
"""Examines fresh targets, with the document and the run's seed."""


def has_requests(finding: Finding) -> bool:
    """Whether its own requests show it again."""
    return bool(finding.steps) and finding.symptom != Symptom()


def examination_of(finding: Finding) -> Examination | None:
    """What found it and can look for it once more; None where nothing does that for this stage and rule."""
    if finding.stage == AUTHORIZATION:
        return lambda doors, document, seed: _authorization(doors, document, seed, finding)
    if finding.stage == SESSIONS:
        return lambda doors, document, seed: _sessions(doors, document, seed, finding)
    if finding.stage != "security":
        return None
    return next((examination for begins, examination in _BY_RULE if finding.rule.startswith(begins)), None)


def _authorization(doors: Doors, document: Document, seed: int, finding: Finding) -> Found:
    method, _, path = finding.operation.partition(" ")
    operation = document.find(method, path)
    if operation is None:
        return Found((), f"the document has no {finding.operation} any more")
    with doors.fresh("again") as door, World(door) as world:
        examined = list(examine_again(Scene(world, document, seed), operation))
    untried = [cell.note for each in examined for cell in each.cells if not cell.tried and cell.role == finding.role]
    return Found(tuple(found for each in examined for found in each.findings), "; ".join(untried))


def _sessions(doors: Doors, document: Document, seed: int, finding: Finding) -> Found:
    run = SessionsRun(doors, document, seed).run()
    mine = [
        item
        for item in run.ended.get(_ENDED.get(finding.rule, ""), ())
        if item.role in ("", finding.role) and item.operation in ("", finding.operation)
    ]
    notes = [] if any(item.tried for item in mine) else [item.note for item in mine]
    notes += [report.note for report in run.cookies if not report.looked_at and report.role == finding.role]
    return Found(tuple(run.all_findings), run.died or "; ".join(notes))


def _reported(examine: Callable[[Doors, Document, int], Report]) -> Examination:
    return lambda doors, document, seed: _found(examine(doors, document, seed))


def _found(report: Report) -> Found:
    return Found(tuple(report.findings), report.gap or ("" if report.tried else report.note or "there was nothing to try"))


def _of_door(examine: Callable[[Door, Document, int, Doors], Report]) -> Examination:
    def on_a_fresh_one(doors: Doors, document: Document, seed: int) -> Found:
        with doors.fresh("again") as door:
            return _found(examine(door, document, seed, doors))

    return on_a_fresh_one


def _of_scene(examine: Callable[[Scene], Report]) -> Examination:
    return _of_door(lambda door, document, seed, _: in_scene(document, seed, examine)(door))


def _outage(doors: Doors, document: Document, seed: int) -> Found:
    if not isinstance(doors, Severable):
        return Found((), "the line between this target and its database is not in our hands")
    return _found(examine_outage(doors, document, seed))


_ENDED = {
    "cookies.form-without-token": "page forms",
    "sessions.end-not-asked": "age",
    "sessions.log-in-after-closing": "closing",
    "sessions.old-password-works": "password",
}
_BY_RULE: tuple[tuple[str, Examination], ...] = (
    ("codes.", _of_door(lambda door, document, seed, doors: examine_codes(door, document, seed, isolated=doors.isolated))),
    ("exposure.secret-in-log", _reported(examine_logs)),
    ("robustness.outage-", _outage),
    ("exposure.page-of-another", _of_scene(examine_pages_of_others)),
    ("exposure.page-lists-others", _of_scene(examine_pages_that_list)),
    ("abuse.csv-formula", _of_scene(examine_formulas)),
    ("abuse.xml-external-entity", _of_scene(examine_entities)),
    ("abuse.outgoing-call", _of_scene(examine_outgoing)),
    ("abuse.open-redirect", _of_scene(examine_redirects)),
    ("abuse.account-enumeration", _reported(examine_enumeration)),
    ("abuse.mass-assignment", _of_scene(examine_mass_assignment)),
    ("abuse.log-in-", _of_door(lambda door, _document, _seed, doors: examine_guessing(door, locks=doors.isolated))),
    ("injection.", _of_scene(examine_injection)),
    ("robustness.server-error", _of_scene(examine_injection)),  # without a request: a page that fails once texts are stored
    ("robustness.slow-clients", _of_door(lambda door, *_: examine_slow_clients(door))),
    ("lists.", _of_scene(examine_torn_lists)),
    ("uploads.", _of_scene(examine_uploads)),
)
