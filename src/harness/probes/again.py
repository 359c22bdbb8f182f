"""Sees a thing a second time: the requests of a finding, or a whole examination on a fresh target."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain

from harness.model.errors import HarnessError
from harness.model.finding import Confidence, Finding, Request
from harness.probes.checks import DIED, Report
from harness.probes.deaths import Death, death_by
from harness.probes.http.addresses import fresh_address
from harness.probes.http.answers import Answer
from harness.probes.http.door import Door
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import TargetDied, World
from harness.probes.openapi.document import Document
from harness.probes.scene.inference import made_ids
from harness.probes.scene.scene import Scene


def sent_again(door: Door, steps: tuple[Request, ...]) -> tuple[Answer, ...]:
    """The last answer to each request of a finding, sent as `exchanged_again` does.

    Raises:
        TargetError: the target died, or refused a log-in.
    """
    return tuple(answer for _, answer in exchanged_again(door, steps))


def exchanged_again(door: Door, steps: tuple[Request, ...]) -> tuple[tuple[Request, Answer], ...]:
    """Sends the requests of a finding in their order, each client from its own address: each as it was sent, and the last answer.

    An object that a step makes has another id than when the finding was made: the later steps name the new one.

    Never a new log-in in between: a session that should be over must not be replaced by a good one.

    Raises:
        TargetError: the target died, or refused a log-in.
    """
    exchanged: list[tuple[Request, Answer]] = []
    names: dict[str, str] = {}
    with ExitStack() as open_worlds:
        worlds: dict[str, World] = {}
        for step in (with_names(step, names) for step in steps):
            if step.client not in worlds:
                seen = door.seen_from(fresh_address()) if step.client else door
                worlds[step.client] = open_worlds.enter_context(World(seen))
            answer = [worlds[step.client].send(step, renew=False) for _ in range(step.times)][-1]
            exchanged.append((step, answer))
            made = next(made_ids(answer, "id"), "") if step.stands_for and answer.is_success else ""
            names |= {step.stands_for: str(made)} if made else {}
    return tuple(exchanged)


def with_names(step: Request, names: Mapping[str, str]) -> Request:
    """The step with other ids in its path and query."""
    for known, now in names.items():
        step = replace(step, path=re.sub(rf"(?<=[/=]){re.escape(known)}(?=[/?&]|$)", lambda _, now=now: now, step.path))  # type: ignore[misc]
    return step


def with_makers(finding: Finding, made: Mapping[str, tuple[Request, ...]]) -> Finding:
    """The finding with the requests first that made the objects that its steps name: a fresh target does not have them."""
    told = {step.stands_for for step in finding.steps}
    named = [
        makers
        for known, makers in made.items()
        if known not in told and any(with_names(step, {known: ""}) != step for step in finding.steps)
    ]
    return replace(finding, steps=(*chain.from_iterable(named), *finding.steps)) if named else finding


def examined_twice(doors: Doors, label: str, examine: Callable[[Door], Report]) -> Report:
    """An examination on a target of its own; what it found is looked for on another fresh one before it is said.

    A target that died of it is a finding with the request that killed it. Without fresh targets nothing is high confidence.
    """

    def on_a_fresh_one() -> Report:
        with doors.fresh(label) as door:
            return survived(door, label, examine)

    return seen_again(on_a_fresh_one(), doors, on_a_fresh_one)


def in_scene(document: Document, seed: int, examine: Callable[[Scene], Report]) -> Callable[[Door], Report]:
    """An examination of a scene as one of a target."""

    def on_a_target(door: Door) -> Report:
        with World(door) as world:
            return examine(Scene(world, document, seed))

    return on_a_target


def seen_again(report: Report, doors: Doors, again: Callable[[], Report]) -> Report:
    """The report with each finding at high confidence where a second examination has it too, at low where it has not.

    Without fresh targets there is no second time, and nothing is of high confidence.
    """
    if not report.findings:
        return report
    if not doors.isolated:
        report.findings = [replace(f, confidence=min(f.confidence, Confidence.MEDIUM, key=_SURER.index)) for f in report.findings]
        return report
    try:
        second = again()
    except HarnessError as error:  # what the first one found is said all the same
        second = Report(report.name, broken=str(error))
    seen = {finding.fingerprint for finding in second.findings}
    if second.broken:  # that it was not seen again says nothing
        report.findings = [
            _rated(finding, seen)
            if finding.fingerprint in seen
            else replace(finding, confidence=min(finding.confidence, Confidence.MEDIUM, key=_SURER.index))
            for finding in report.findings
        ]
        return report
    report.findings = [_rated(finding, seen) for finding in report.findings]
    return report


_SURER = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)


def _rated(finding: Finding, again: set[str]) -> Finding:
    if finding.fingerprint not in again:
        return replace(finding, confidence=Confidence.LOW)
    return finding if finding.confidence is Confidence.LOW else replace(finding, confidence=Confidence.HIGH)


def survived(door: Door, label: str, examine: Callable[[Door], Report]) -> Report:
    """What an examination came to; where the target does not serve afterwards, that is a finding of it."""
    report = ended(label, lambda: examine(door))
    if not any(finding.rule == DIED.rule for finding in report.findings) and not door.alive():
        report.findings.append(Death("").finding)
    return report


def ended(label: str, examine: Callable[[], Report]) -> Report:
    """What an examination came to, whatever ended it; where the target died, that is a finding with the request before it."""
    try:
        return examine()
    except TargetDied as died:
        return Report(label, 1, [death_by(died).finding], broken=str(died))
    except HarnessError as error:
        return Report(label, note=str(error), broken=str(error))
