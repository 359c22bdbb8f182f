"""Whether a scan tested anything. No status word of ZAP's is believed: all of these traps ended with FINISHED and 100 %."""

from __future__ import annotations

from collections.abc import Iterator

from harness.engines.zap.model import RuleState, ScanFacts

REFUSED_SHARE_MAX = 0.95
"""A scan in which more answers than that are 401, 403 or 429 tested the door, or the limit before it, and nothing behind."""
_REFUSALS = (401, 403, 429)
NETWORK_FAILURES_SHARE_MAX = 0.02
"""ZAP's own canaries make one or two connections fail; a target that dies makes nearly all."""
REQUESTS_PER_RULE_MIN = 1
RULE_TIME_SHARE_MAX = 0.98
"""A rule that took more of its time than that was cut off, though it reads Complete."""
_NAMES_SHOWN = 6


def gaps(facts: ScanFacts) -> tuple[str, ...]:
    """Why a scan is not whole, the root cause first; empty only where every counter is there and speaks for it."""
    return tuple(dict.fromkeys((*facts.faults, *_target(facts), *_log_in(facts), *_scan(facts), *_rules(facts))))


def whole_rules(facts: ScanFacts) -> tuple[str, ...]:
    """Ids of the rules that sent something and came to their end by themselves: what they do not report was not there."""
    return tuple(r.rule for r in facts.rules if r.complete and r.requests >= REQUESTS_PER_RULE_MIN and not _is_late(r, facts))


def _target(facts: ScanFacts) -> Iterator[str]:
    if facts.alive_before is not True:
        yield "the target was not seen alive before the scan"
    if facts.alive_after is not True:
        yield "the target was not seen alive after the scan: it died, or nobody looked"
    if facts.requests and facts.network_failures > max(2, facts.requests * NETWORK_FAILURES_SHARE_MAX):
        yield f"{facts.network_failures} requests got no answer: the network failed, or the target was gone"
    if not facts.operations:
        yield "no address was imported: there was nothing to scan"
    elif facts.reached < facts.operations:
        yield f"{facts.operations - facts.reached} of {facts.operations} operations were not reached"


def _log_in(facts: ScanFacts) -> Iterator[str]:
    if facts.log_in_failures:
        yield f"{facts.log_in_failures} log-ins failed"
    if facts.log_ins_wanted and not facts.log_ins:
        yield "no log-in was proved: whatever was sent may have been sent as nobody"
    answers = sum(facts.statuses.values())
    refused = sum(count for status, count in facts.statuses.items() if status in _REFUSALS)
    if answers and refused > answers * REFUSED_SHARE_MAX:
        yield f"{refused} of {answers} answers were 401, 403 or 429: only the door was tested"
    if facts.requests and not answers:
        yield "nobody counted the answers' status codes"


def _scan(facts: ScanFacts) -> Iterator[str]:
    if facts.requests is None or facts.progress is None:
        yield "there is no count of the scan's requests or of its progress"
        return
    if not facts.requests:
        yield "the active scan sent no request"
    if facts.progress < 100:
        yield f"the scan came to {facts.progress} % and was cut off or stopped"


def _rules(facts: ScanFacts) -> Iterator[str]:
    if not facts.rules:
        yield "no active rule ran"
    there = {rule.rule for rule in facts.rules}
    wanted = set(facts.rules_wanted)
    if missing := [f"{rule} {facts.names.get(rule, '')}".strip() for rule in facts.rules_wanted if rule not in there]:
        yield f"{len(missing)} wanted rules were not in the scan: {', '.join(missing)}"
    judged = [rule for rule in facts.rules if not wanted or rule.rule in wanted]
    if cut := [f"{rule.name} ({rule.state})" for rule in judged if not rule.complete]:
        yield f"{len(cut)} of {len(facts.rules)} rules did not come to their end: {_some(cut)}"
    if silent := [r.name for r in judged if r.complete and r.rule in wanted and r.requests < REQUESTS_PER_RULE_MIN]:
        yield f"{len(silent)} rules say Complete and sent nothing: {_some(silent)}"
    if late := [rule.name for rule in judged if _is_late(rule, facts)]:
        yield f"{len(late)} rules used all of the {facts.rule_s_max:g} s that one may take: {_some(late)}"


def _is_late(rule: RuleState, facts: ScanFacts) -> bool:
    return bool(facts.rule_s_max) and rule.duration_s > facts.rule_s_max * RULE_TIME_SHARE_MAX


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
