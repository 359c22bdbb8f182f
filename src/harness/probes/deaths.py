"""What killed the target: a finding, with the request after which it did not answer any more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request, Symptom
from harness.model.weakness import Place
from harness.probes.checks import DIED, finding_of
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import TargetDied, World


@dataclass(frozen=True)
class Death:
    """The end of a target. `request` is the last one that was sent; None where that is not known."""

    note: str
    request: Request | None = None

    @property
    def finding(self) -> Finding:
        """What to tell of it."""
        failed = Symptom(server_error=True)
        if self.request is None:
            title = "The target does not serve any more after it was examined"
            return finding_of(DIED, Place(), title, "Its health address did not answer afterwards.", (), failed)
        route = f"{self.request.method} {self.request.path.partition('?')[0]}"
        observed = "After this request the target did not answer any more."
        return finding_of(DIED, Place(route), f"{route} kills the target", observed, (self.request,), failed)


def death_by(error: Exception) -> Death:
    """The death that an error tells of."""
    return Death(str(error), error.request if isinstance(error, TargetDied) else None)


def seen_to_die(doors: Doors, death: Death, stage: str) -> Finding:
    """The finding of a stage; at high confidence where the request by itself kills a fresh target as well."""
    finding = replace(death.finding, stage=stage)
    if death.request is None or not doors.isolated or not _kills(doors, death.request):
        return finding
    return replace(finding, confidence=Confidence.HIGH)


def _kills(doors: Doors, request: Request) -> bool:
    try:
        with doors.fresh("death") as door, World(door) as world:
            try:
                world.send(request)
            except TargetDied:
                return True
            return not door.alive()
    except HarnessError:
        return False
