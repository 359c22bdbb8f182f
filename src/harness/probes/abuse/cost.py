"""What a single request can cost: pages without a bound, patterns that explode, bodies and lists without a limit.

Time is never judged by one answer. A text is suspected where it takes much longer than a plain one; then it is sent in growing
sizes, each several times, and the fastest of each size must grow as no linear reading does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from harness.model.errors import HarnessError
from harness.model.finding import Observation, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.http.drafts import Draft
from harness.probes.http.paging import is_page_size
from harness.probes.openapi.operations import Operation, Parameter
from harness.probes.openapi.schemas import SchemaError
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable

ASKED_FOR = 1_000_000  # items of a page
ITEMS_MAX = 1_000  # a page of more is no page
BODY_BYTES = 12 * 1024 * 1024
DRAFTS_TRIED_MAX = 3
LIST_ITEMS = 20_000
_OF_THE_OBJECT = (404, 409, 410, 412, 428)  # refusals that are not due to the size: the next object may take it
REPEATS = 3
_SUSPECT_S, _SUSPECT_FACTOR = 0.12, 8.0
_EXPONENTIAL_SIZES = tuple(
    (last - 6, last - 4, last - 2, last) for last in (22, 26, 30)
)  # on to the next where the last is quick
_GOES_ON_FACTOR = 2.0  # of a plain text: less than that at one size is no reason to try a larger one
_SIZES_POLYNOMIAL = (2_000, 4_000, 8_000)
_GROWTH_MIN = 2.2  # per two more characters; a backtracking pattern has 4
_SLOPE_MIN = 1.6  # of time against size on logarithmic scales; linear reading has at most 1

_UNBOUNDED = Weakness(
    "abuse.unbounded-page",
    Severity.MEDIUM,
    770,
    "API4:2023",
    f"A page has a largest size; whoever asks for {ASKED_FOR:,} items is refused, or gets that many at most.",
    "One request reads and sends a whole table, as often as somebody likes.",
    "Give the parameter a maximum in the document, and refuse (or cut) what is over it.",
)
_PATTERN = Weakness(
    "abuse.regular-expression",
    Severity.HIGH,
    1333,
    "API4:2023",
    "A longer text takes longer in proportion, not more.",
    "One short request keeps a worker busy for minutes (ReDoS); a few of them stop the platform.",
    "Bound the text's length before it is matched, and rewrite the pattern so that no two of its parts match the same text.",
    ("2.1.5.a",),
)


@dataclass(frozen=True)
class Attack:
    """A text of a given size that a careless pattern takes long for: `of(size)`."""

    name: str
    unit: str
    before: str = ""
    after: str = "!"

    def of(self, size: int) -> str:
        """The text."""
        return self.before + (self.unit * size)[:size] + self.after


ATTACKS = (
    Attack("letters", "a"),
    Attack("digits", "0", after="x"),
    Attack("spaces", " ", before="x", after="x"),
    Attack("an e-mail address", "a", after="@"),
    Attack("the host of an e-mail address", "a.", before="a@"),
    Attack("an address", "a/", before="http://", after="\x7f"),
    Attack("words", "a b ", after="!"),
)


def examine_cost(scene: Scene) -> Report:
    """All three, on every operation that may be called again and again."""
    report = Report("cost")
    apart = scene.destructive - scene.resets  # without the right code nobody's password is another one
    for operation in scene.document.operations:
        if operation.name in apart or operation.method == "DELETE":
            continue
        if not operation.is_safe and not scene.world.target.allow.writes:
            continue
        try:
            asker = caller(scene, operation)
            draft = next(valid_drafts(scene, operation, asker), None)
            if draft is not None:
                _pages(scene, operation, draft, asker, report)
                _patterns(scene, operation, draft, asker, report)
                _large_body(scene, operation, asker, report)
                _many_items(scene, operation, draft, asker, report)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            if operation.placed("query") or operation.body is not None:
                report.leave_out(operation.name, error)
    return report


# -- pages


def _pages(scene: Scene, operation: Operation, draft: Draft, asker: Asker, report: Report) -> None:
    for parameter in operation.placed("query"):
        if operation.method != "GET" or not is_page_size(parameter.name) or _is_text(scene, parameter):
            continue
        report.tried += 1
        request = draft.with_value(parameter, ASKED_FOR).request(asker.role, asker.user)
        answer = scene.ask(request)
        most, echoed = _longest(answer.json), _echoes(answer.json, parameter.name)
        usual = _longest(scene.ask(draft.request(asker.role, asker.user)).json)
        if not answer.is_success or not (most > ITEMS_MAX or (echoed and most > usual)):
            if answer.is_success and echoed:
                text = f"{parameter.name}={ASKED_FOR} is accepted and given back; there are too few items here to see a bound"
                report.observations.append(Observation(_UNBOUNDED.rule, text, STAGE, operation.name))
            continue
        observed = (
            f"With {parameter.name}={ASKED_FOR} it was answered {answer.status} with {most} items; usually it gives {usual}."
        )
        title = f"{operation.name} gives a page of any size"
        place = Place(operation.name, parameter.name, asker.role)
        symptom = Symptom(status=(answer.status,))
        report.findings.append(finding_of(_UNBOUNDED, place, title, observed, (request,), symptom))


def _is_text(scene: Scene, parameter: Parameter) -> bool:
    try:
        return scene.document.schemas.resolve(parameter.schema).get("type") == "string"
    except SchemaError:
        return False


def _longest(data: Any) -> int:
    """The length of the longest list in an answer."""
    longest, stack = 0, [data]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            longest = max(longest, len(node))
            stack.extend(node[:50])
        elif isinstance(node, dict):
            stack.extend(node.values())
    return longest


def _echoes(data: Any, name: str) -> bool:
    """Whether the answer says that it took the size: a member of that name has it."""
    stack = [data]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if any(
                key.lower().replace("_", "") == name.lower().replace("_", "") and value == ASKED_FOR
                for key, value in node.items()
            ):
                return True
            stack.extend(node.values())
    return False


# -- patterns


def _patterns(scene: Scene, operation: Operation, draft: Draft, asker: Asker, report: Report) -> None:
    for name, filled in _texts(scene, operation, draft):
        plain = _fastest(scene, filled("plain text").request(asker.role, asker.user))  # one that was held up would hide the rest
        for attack in ATTACKS:
            report.tried += 1
            sizes = _suspected(scene, filled, asker, attack, plain)
            if not sizes:
                continue
            took = {size: _fastest(scene, filled(attack.of(size)).request(asker.role, asker.user)) for size in sizes}
            if how := grows(took):
                request = filled(attack.of(sizes[-1])).request(asker.role, asker.user)
                measured = ", ".join(f"{size} characters took {seconds:.2f} s" for size, seconds in took.items())
                observed = f"{attack.name.capitalize()} of {measured}: {how}."
                title = f"{operation.name} takes too long for a text in {name}"
                place = Place(operation.name, name, asker.role)
                symptom = Symptom(elapsed_s_min=round(took[sizes[-1]] / 2, 2))
                report.findings.append(finding_of(_PATTERN, place, title, observed, (request,), symptom))
                break


def _texts(scene: Scene, operation: Operation, draft: Draft) -> Iterator[tuple[str, Any]]:
    for parameter in operation.placed("query"):
        if _is_text(scene, parameter):
            yield parameter.name, lambda text, parameter=parameter: draft.with_value(parameter, text)
    if isinstance(draft.body, dict):
        for member, value in draft.body.items():
            if isinstance(value, str) and "${" not in value:
                yield member, lambda text, member=member: replace(draft, body={**draft.body, member: text})


def _suspected(scene: Scene, filled: Any, asker: Asker, attack: Attack, plain_s: float) -> tuple[int, ...]:
    """The sizes to measure at, where the largest takes much longer than a plain text; none where it does not."""
    for sizes in _EXPONENTIAL_SIZES:
        took = scene.ask(filled(attack.of(sizes[-1])).request(asker.role, asker.user)).elapsed_s
        if _is_suspect(took, plain_s):
            return sizes
        if took < _GOES_ON_FACTOR * plain_s:
            break
    took = scene.ask(filled(attack.of(_SIZES_POLYNOMIAL[-1])).request(asker.role, asker.user)).elapsed_s
    return _SIZES_POLYNOMIAL if _is_suspect(took, plain_s) else ()


def _is_suspect(took_s: float, plain_s: float) -> bool:
    return took_s >= _SUSPECT_S and took_s >= _SUSPECT_FACTOR * plain_s


def _fastest(scene: Scene, request: Request) -> float:
    return min(scene.ask(request).elapsed_s for _ in range(REPEATS))


def grows(took: dict[int, float]) -> str:
    """How time grows with size, "" where it is no faster than a linear reading: by fit over all sizes, not by one answer."""
    sizes = list(took)
    if took[sizes[-1]] < _SUSPECT_S:
        return ""
    if sizes[-1] < _SIZES_POLYNOMIAL[0]:
        factors = [
            later / max(earlier, 1e-4) for earlier, later in zip(list(took.values())[1:-1], list(took.values())[2:], strict=True)
        ]
        return f"{min(factors):.0f} times as long for two characters more" if factors and min(factors) >= _GROWTH_MIN else ""
    slope = _slope([math.log(size) for size in sizes], [math.log(max(seconds, 1e-4)) for seconds in took.values()])
    return f"it grows with the size to the power of {slope:.1f}" if slope >= _SLOPE_MIN else ""


def _slope(xs: list[float], ys: list[float]) -> float:
    """Of the straight line through the points, by least squares."""
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)


# -- amounts


def _large_body(scene: Scene, operation: Operation, asker: Asker, report: Report) -> None:
    """A body far over anything that is meant: noticed where it is taken.

    Each draft is made anew: what was sent before has moved the object on, and it may refuse the next for its state.
    """
    for draft in islice(valid_drafts(scene, operation, asker), DRAFTS_TRIED_MAX) if not operation.is_safe else ():
        if not _is_json_object(draft):
            return
        good = draft.request(asker.role, asker.user)
        report.tried += 1
        answer = scene.ask(replace(good, body=" " * BODY_BYTES + json.dumps(draft.body)))  # right for a strict platform too
        if answer.is_success:
            text = f"a body of {BODY_BYTES // 1024**2} MB is read and taken ({answer.status})"
            report.observations.append(Observation("abuse.large-body", text, STAGE, operation.name))
        if answer.status not in _OF_THE_OBJECT:
            return


def _many_items(scene: Scene, operation: Operation, draft: Draft, asker: Asker, report: Report) -> None:
    """Lists of very many items: noticed where they are taken."""
    if operation.is_safe or not _is_json_object(draft):
        return
    for member, value in draft.body.items():
        if isinstance(value, list) and value:
            report.tried += 1
            many = draft.with_body({**draft.body, member: (value * LIST_ITEMS)[:LIST_ITEMS]}).request(asker.role, asker.user)
            if (answer := scene.ask(many)).is_success:
                text = f"{LIST_ITEMS} items in {member} are taken ({answer.status}, {answer.elapsed_s:.1f} s)"
                report.observations.append(Observation("abuse.many-items", text, STAGE, operation.name))


def _is_json_object(draft: Draft) -> bool:
    return isinstance(draft.body, dict) and "json" in draft.media_type
