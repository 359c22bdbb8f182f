"""Many exchanges, few defects: what has one cause is one group, and what a framework does by habit is none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness.engines.contract.deviations import Deviation, Rule
from harness.engines.contract.exchange import Exchange
from harness.engines.contract.oracle import Oracle
from harness.model.finding import Observation

STAGE = "contract"
_PARAMETERS_OF_ONE_CAUSE = 4  # an operation that accepts that many invalid parameters checks none of them
_OPERATIONS_OF_ONE_CAUSE = 3  # a status or header that is wrong on that many operations is wrong in one place
_CROSS_OPERATION = (Rule.STATUS, Rule.HEADERS, Rule.METHOD, Rule.MEDIA_TYPE, Rule.NO_AUTHENTICATION, Rule.ALLOW)


@dataclass
class Group:
    """One suspected defect: its exchanges, the smallest first, and the other operations that show it."""

    operation: str
    deviation: Deviation
    exchanges: list[Exchange] = field(default_factory=list)
    others: tuple[str, ...] = ()
    count: int = 0


def group(exchanges: Iterable[Exchange], oracle: Oracle) -> tuple[list[Group], list[Observation]]:
    """Groups of one cause each, in the order in which they were met, and what is only worth a note."""
    groups: dict[tuple[str, tuple[str, str]], Group] = {}
    noise: Counter[tuple[str, str, str]] = Counter()
    for exchange in exchanges:
        for deviation in oracle.judge(exchange):
            if deviation.noise:
                noise[deviation.rule, exchange.operation, _general(deviation)] += 1
                continue
            found = groups.setdefault((exchange.operation, deviation.key), Group(exchange.operation, deviation))
            found.exchanges.append(exchange)
            found.count += 1
    for each in groups.values():
        each.exchanges.sort(key=lambda exchange: (not exchange.sent.is_text, exchange.sent.size))
    merged = _across_operations(_within_operations(list(groups.values())))
    return merged, [Observation(rule, text, STAGE, operation, count) for (rule, operation, text), count in noise.items()]


def _general(deviation: Deviation) -> str:
    """The note without the value that happened to be sent."""
    if deviation.rule is Rule.INVALID_ACCEPTED:
        return f"`{deviation.parameter}` is read leniently: {deviation.noise.partition(': ')[0]}"
    return deviation.noise


def _within_operations(groups: list[Group]) -> list[Group]:
    """An operation that accepts many invalid parameters has one defect: it checks nothing."""
    by_operation: dict[str, list[Group]] = defaultdict(list)
    for each in groups:
        if each.deviation.rule is Rule.INVALID_ACCEPTED:
            by_operation[each.operation].append(each)
    merged = list(groups)
    for accepted in by_operation.values():
        if len(accepted) < _PARAMETERS_OF_ONE_CAUSE:
            continue
        first = accepted[0]
        names = ", ".join(f"`{each.deviation.parameter}`" for each in accepted)
        first.count = sum(each.count for each in accepted)
        first.deviation = replace(
            first.deviation, what=f"{first.deviation.what} (its parameters are not checked at all: {names})"
        )
        merged = [each for each in merged if each not in accepted[1:]]
    return merged


def _across_operations(groups: list[Group]) -> list[Group]:
    """The same wrong status everywhere, or one schema that several answers share, is one defect."""
    by_cause: dict[tuple[str, str], list[Group]] = defaultdict(list)
    for each in groups:
        deviation = each.deviation
        if deviation.rule in _CROSS_OPERATION:
            by_cause[deviation.key].append(each)
        elif deviation.shared:
            by_cause[deviation.rule, deviation.shared].append(each)
    merged = list(groups)
    for (rule, _), alike in by_cause.items():
        enough = 2 if rule is Rule.RESPONSE else _OPERATIONS_OF_ONE_CAUSE
        operations = list(dict.fromkeys(each.operation for each in alike))
        if len(operations) < enough:
            continue
        alike[0].others = tuple(name for name in operations if name != alike[0].operation)
        alike[0].count = sum(each.count for each in alike)
        dropped = {id(each) for each in alike[1:]}
        merged = [each for each in merged if id(each) not in dropped]
    return merged
