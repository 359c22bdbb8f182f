"""What attempts to write to somebody's object came to, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.model.evidence import Cell, Whose
from harness.model.finding import Finding, Observation, Request, Symptom
from harness.probes.access.cells import Examined, tried, untried, with_twins
from harness.probes.access.reads import Stage
from harness.probes.access.wording import (
    STAGE,
    function_of_another,
    listed_after_deletion,
    read_after_deletion,
    said,
    write_of_another,
)
from harness.probes.http.answers import Answer
from harness.probes.http.askers import Asker
from harness.probes.http.drafts import Draft
from harness.probes.http.oracle import Change, excerpt
from harness.probes.openapi.operations import Operation
from harness.probes.scene.permissions import Permission


@dataclass
class Attempt:
    """What one asker's write came to. `effect` are the changes that the owner saw, `stored` those that the rows show."""

    asker: Asker
    whose: Whose
    permission: Permission
    answer: Answer = field(default_factory=lambda: Answer(0, error="not sent"))
    effect: tuple[Change, ...] = ()
    stored: tuple[Change, ...] = ()
    steps: tuple[Request, ...] = ()
    seen: Mapping[str, Answer] = field(default_factory=dict)
    owner: Asker | None = None
    draft: Draft | None = None  # as it was sent
    parameter: str = ""  # the id in it that is not the asker's own
    makers: tuple[Request, ...] = ()  # what had made the object by then, where it was not there before
    listed: tuple[Request, Answer] | None = None  # the list that still holds what was deleted

    @property
    def changed(self) -> tuple[Change, ...]:
        """Whatever shows that it was done."""
        return self.effect or self.stored


def is_hole(attempt: Attempt | None) -> bool:
    """Whether somebody who must not has changed something."""
    return attempt is not None and attempt.permission.permitted is False and bool(attempt.changed)


def judged(operation: Operation, stage: Stage, own: Attempt | None, attempts: list[Attempt], nobody: Cell | None) -> Examined:
    """The cells of a writing operation, with its findings. `own` is the owner's write, the twin of all others."""
    return _Judge(operation, stage).judge(own, attempts, nobody)


@dataclass(frozen=True)
class _Judge:
    _operation: Operation
    _stage: Stage

    def judge(self, own: Attempt | None, attempts: list[Attempt], nobody: Cell | None) -> Examined:
        """Each attempt as a cell; whoever was let in and must not be, as a finding."""
        visible = own is not None and bool(own.changed)
        by_status = not visible and not self._stage.reference.is_of_many  # a list may be taken, and none of its objects
        if self._stage.reference.is_of_many and not visible and not any(is_hole(attempt) for attempt in attempts):
            return Examined(self._operation, observations=(self._list_not_judged(),))
        cells: list[Cell] = [nobody] if nobody else []
        findings: list[Finding] = []
        observations: list[Observation] = []
        if own is not None:
            permitted = own.permission.permitted is not False
            cells.append(
                tried(
                    self._operation,
                    own.asker,
                    Whose.OWN,
                    permitted,
                    own.answer.is_success and (visible or by_status),
                    own.answer.status,
                    own.answer.error,
                )
            )
        if self._stage.peer is None:
            why = f"the target file names one user of the role {self._stage.owner.role}: there is no other to ask"
            cells.append(untried(self._operation, self._stage.owner, Whose.ANOTHER, False, why))
        if own is not None and own.permission.permitted is False and (own.answer.is_success or own.changed):
            findings.append(self._not_for_the_owner(own))
        if own is not None and (kept := self._outlived(own)) is not None:
            findings.append(kept)
        for attempt in attempts:
            allowed = bool(attempt.changed) or (attempt.answer.is_success and by_status)
            permitted = allowed if attempt.permission.permitted is None else attempt.permission.permitted
            cells.append(
                tried(self._operation, attempt.asker, attempt.whose, permitted, allowed, attempt.answer.status, _note(attempt))
            )
            if allowed and not permitted:
                findings.append(self._finding(attempt))
            elif attempt.answer.is_success and not permitted and not self._stage.reference.is_of_many:
                text = f"{attempt.asker.title} is told {attempt.answer.status} for a write that did nothing"
                observations.append(Observation("authorization.success-without-effect", text, STAGE, self._operation.name))
        return Examined(self._operation, with_twins(cells), tuple(findings), tuple(observations))

    def _list_not_judged(self) -> Observation:
        place = self._stage.reference.name
        text = f"nothing that its owner named in {place} was seen to change: whose objects are taken there was not judged"
        return Observation("authorization.list-not-judged", text, STAGE, self._operation.name)

    def _not_for_the_owner(self, own: Attempt) -> Finding:
        because = f"{own.permission.basis} keeps it for other roles, whosever the object is"
        if own.answer.is_success:
            return function_of_another(self._operation, own.asker, because, own.answer, own.steps[:1])
        symptom, steps = self._evidence(own)
        found = function_of_another(self._operation, own.asker, because, own.answer, steps)
        observed = f"It was answered {said(own.answer)}, and done all the same: {_effect(own)}."
        return replace(found, observed=observed, symptom=symptom)

    def _outlived(self, own: Attempt) -> Finding | None:
        """Whether the owner is still shown what it has deleted, the same as before: an object, not a collection or a mark."""
        steps = (*own.makers, *own.steps)
        if own.listed is not None:
            return listed_after_deletion(self._operation, own.asker, own.answer, own.listed, steps)
        after = own.seen.get(f"GET {self._operation.path}")
        is_of_an_object = self._operation.method == "DELETE" and self._operation.path.rstrip("/").endswith("}")
        done = own.answer.status in (200, 204) and own.answer.is_success
        if not is_of_an_object or not done or own.effect or after is None or not after.is_success:
            return None
        return read_after_deletion(self._operation, own.asker, own.answer, after, steps)

    def _finding(self, attempt: Attempt) -> Finding:
        symptom, steps = self._evidence(attempt)
        owner = attempt.owner or self._stage.owner
        seen_by = owner.title if attempt.effect else "the database"
        return write_of_another(
            self._operation,
            attempt.asker,
            owner,
            attempt.parameter or self._stage.reference.name,
            attempt.answer,
            (_effect(attempt), seen_by),
            (*attempt.makers, *steps),
            symptom,
        )

    def _evidence(self, attempt: Attempt) -> tuple[Symptom, tuple[Request, ...]]:
        """How it is seen again, and the requests that show it."""
        shown = next((text for change in attempt.effect if (text := self._shown(change, attempt))), "")
        if shown:
            return Symptom(body_contains=shown), attempt.steps
        if attempt.effect and len(attempt.steps) > 1:
            after = next(iter(attempt.seen.values()))
            return Symptom(status=(after.status,)), attempt.steps
        if attempt.stored and not attempt.effect:
            return Symptom(), attempt.steps[:1]  # what only a row shows no answer can show again
        return Symptom(status=(attempt.answer.status,)), attempt.steps[:1]

    def _shown(self, change: Change, attempt: Attempt) -> str:
        if change.after is None or not attempt.seen:
            return ""
        return excerpt(next(iter(attempt.seen.values())), change.after, change.path.rsplit(".", 1)[-1])


def _effect(attempt: Attempt) -> str:
    return "; ".join(str(change) for change in attempt.changed[:3])


def _note(attempt: Attempt) -> str:
    if attempt.answer.error:
        return attempt.answer.error
    if attempt.answer.is_success and not attempt.changed:
        return "told of success, but the owner sees no change"
    return "" if attempt.answer.status < 500 else f"refused with {attempt.answer.status}"
