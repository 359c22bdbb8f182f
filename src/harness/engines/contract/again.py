"""What no single request of the contract stage shows is seen again so: documents compared once more, a session lost once more."""

from __future__ import annotations

from harness.engines.contract.breaking import RULE as BREAKING
from harness.engines.contract.breaking import breaking_findings, released_document
from harness.engines.contract.deviations import Rule
from harness.engines.contract.drift import RULE as DRIFT
from harness.engines.contract.drift import UNREADABLE, drift
from harness.engines.contract.feeding import kinds_of, watch_of
from harness.engines.contract.wording import STAGE
from harness.model.finding import Finding, Request
from harness.probes.examinations import Examination, Found
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document

_UNAUTHENTICATED = 401


def examination_of(finding: Finding) -> Examination | None:
    """What looks for the finding once more; None for what another stage found, and where nothing does that."""
    if finding.stage != STAGE:
        return None
    if finding.rule in (DRIFT, UNREADABLE):
        return _drift
    if finding.rule == BREAKING:
        return _breaking
    if finding.rule == Rule.LOGGED_OUT and finding.steps:
        return lambda doors, document, _: _logged_out(doors, document, finding)
    return None


def _drift(doors: Doors, document: Document, _seed: int) -> Found:
    with doors.fresh("again") as door, World(door) as world:
        if not world.target.document_path:
            return Found((), f"{world.target.name} serves no document (document_path in its file)")
        return Found(tuple(drift(document, world)))


def _breaking(doors: Doors, document: Document, _seed: int) -> Found:
    with doors.fresh("again") as door:
        released = released_document(door.target)
    if released is None:
        return Found((), f"{door.target.name} has no released document beside the committed one")
    return Found(tuple(breaking_findings(Document.load(released), document)))


def _logged_out(doors: Doors, document: Document, finding: Finding) -> Found:
    """The requests once more, and whether the credential is still taken by a read that took it before."""
    last = finding.steps[-1]
    with doors.fresh("again") as door, World(door) as world:
        role = world.target.role(last.role)
        ending = kinds_of(document, world.target).destructive
        path = watch_of(document, role, world, (name for name in document.names if name not in ending))
        if not path:
            return Found((), f"no read succeeds as {role.name}: nothing tells whether its session lasts")
        answers = [world.send(step, renew=False) for step in finding.steps]
        after = world.send(Request("GET", document.base_path + path, last.role, last.user), renew=False)
    if after.status == _UNAUTHENTICATED:
        return Found((finding,))
    refused = not answers[-1].is_success
    return Found((), f"{last.method} {last.path} was answered with {answers[-1].status} this time" if refused else "")
