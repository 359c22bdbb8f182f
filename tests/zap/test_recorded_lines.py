"""Every recorded line and plan, with the cause that it leaves a scan with, or why it is harmless; each goes through the adapter.

What a good daemon says stands around the line that is put in: `replaying` shows that a scan with good answers alone is whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.engines.zap import gathering, scanning
from tests.zap import recorded
from tests.zap.api_server import Reply
from tests.zap.recorded import Call
from tests.zap.replaying import GOOD, NAMES, PASSIVE, latest, replayed, scan_answers

TRAPS, ERRORS, HANG = (recorded.calls(name) for name in ("traps", "errors", "hang"))
Answers = Callable[[Call], dict[str, Any]]
DOES_NOT_EXIST = "does_not_exist"


@dataclass(frozen=True)
class Told:
    """What some lines leave: the causes, by a scan whose daemon gives the answers; or nothing, as they are `harmless`."""

    lines: tuple[int, ...]
    causes: tuple[str, ...] = ()
    answers: Answers = field(default=lambda _: {}, repr=False)
    harmless: str = ""


def spread(*lines: int | range) -> tuple[int, ...]:
    return tuple(number for each in lines for number in ([each] if isinstance(each, int) else each))


def upto(first: int, last: int) -> range:
    return range(first, last + 1)


def told(lines: Iterable[int], *causes: str, by: Answers) -> Told:
    """Each of the lines, put in by itself."""
    return Told(tuple(lines), causes, by)


def harmless(why: str, *lines: int | range) -> Told:
    return Told(spread(*lines), harmless=why)


def the_scan(label: str, **ours: Any) -> Answers:
    """All that was asked about one scan of traps.jsonl; a line of it says nothing alone."""
    return lambda _: {**scan_answers(TRAPS, label), **ours}


def refused(call: Call) -> dict[str, Any]:
    """The refusal as the answer about the scans, which every scan asks for."""
    return {"ascan_view_scans": Reply(call.status, call.body)}


def waiting(call: Call) -> dict[str, Any]:
    return {"pscan_view_recordsToScan": call.body}


def body(calls: tuple[Call, ...], number: int) -> Any:
    return next(call.body for call in calls if call.n == number)


def log_ins(number: int) -> Answers:
    """What was counted of log-ins at that line of errors.jsonl, in a scan as a user."""
    return lambda _: {
        "site": "http://127.0.0.1:18304",
        "role": "buyer",
        "stats_view_allSitesStats": body(ERRORS, number),
    }


# -- traps.jsonl

SET_UP = "it prepares a scan, and is believed by nobody: what came of it is counted afterwards"
TRAPS_TOLD = (
    harmless(SET_UP, upto(1, 6), upto(15, 19), upto(32, 38), upto(50, 56), upto(78, 84), 133, 147, upto(154, 159)),
    harmless("no message waits any more", 12, 29, 47, 64, 75, 130, 141),
    told(
        spread(27, 28, 46, 62, 63, 73, 74, 129, 139, 140),
        "messages were not looked at by the passive rules",
        by=waiting,
    ),
    told(
        spread(upto(7, 11), 13, 14),
        "no active rule ran",
        by=the_scan("rules all disabled"),
    ),
    told(
        spread(upto(20, 26), 30, 31),
        "1 wanted rules were not in the scan: 40018 SQL Injection",
        by=the_scan("SQL rule disabled"),
    ),
    told(
        spread(upto(39, 45), 48, 49),
        "589 of 589 answers were 401, 403 or 429: only the door was tested",
        by=the_scan("target answers 401 to everything"),
    ),
    told(
        spread(upto(57, 61), 65, 66),
        "the target was not seen alive after the scan: it died, or nobody looked",
        "4 rules say Complete and sent nothing",
        by=the_scan("target dies mid-scan", alive=(True, False)),
    ),
    told(
        spread(upto(67, 72), 76, 77),
        "the target was not seen alive before the scan",
        "the active scan sent no request",
        by=the_scan("target already dead, URLs in the tree", alive=(False, False)),
    ),
    told(
        spread(upto(85, 128), 131, 132),
        "the scan came to 13 % and was cut off or stopped",
        "2 of 72 rules did not come to their end: SQL Injection (Skipped), CRLF Injection (Skipped)",
        by=the_scan("maxScanDuration 1 min on a slow target"),
    ),
    told(
        spread(upto(134, 138), 142, 143),
        "the scan came to 0 % and was cut off or stopped",
        "5 of 72 rules did not come to their end: Path Traversal (66%)",
        by=the_scan("ascan stopped by API"),
    ),
    told(
        upto(144, 146),
        "and was cut off or stopped",
        by=lambda _: {"ascan_view_scans": latest(body(TRAPS, 146))},
    ),
    told(
        upto(148, 149),
        f"ZAP refused JSON/ascan/view/scanProgress: {DOES_NOT_EXIST}",
        by=lambda _: {"ascan_view_scanProgress": Reply(400, body(TRAPS, 149))},
    ),
    told(
        upto(150, 153),
        "there is no count of the scan's requests or of its progress",
        by=lambda _: {"ascan_view_scans": body(TRAPS, 153), "ascan_view_scanProgress": Reply(400, body(TRAPS, 152))},
    ),
    told(
        upto(160, 166),
        "ZAP gave no answer to JSON/ascan/view/scans",
        by=lambda _: refused(next(call for call in TRAPS if call.n == 163)),
    ),
)

# -- errors.jsonl


def attacked_nothing(call: Call) -> dict[str, Any]:
    """The scan that got an id for an address out of scope, finished by ZAP's word."""
    entry = {"id": call.body["scan"], "reqCount": "0", "progress": "100", "state": "FINISHED"}
    return {
        "ascan_view_scans": {"scans": [entry]},
        "ascan_view_scanProgress": {"scanProgress": ["http://127.0.0.1:18301", {"HostProcess": []}]},
    }


def of_another_site(call: Call) -> dict[str, Any]:
    """What ZAP answers about an address that it never saw: empty lists, and counters of others."""
    return {
        "alert_view_alerts": call.body,
        "core_view_messages": {"messages": []},
        "stats_view_allSitesStats": body(ERRORS, 101),
    }


def spidered_the_dead(_: Call) -> dict[str, Any]:
    (in_scope,) = (part["urlsInScope"] for part in body(ERRORS, 29)["fullResults"] if "urlsInScope" in part)
    return {"core_view_messages": {"messages": in_scope}, "alive": (False, False)}


def imported(plan: str) -> Answers:
    """An import that left no address, as a plan with one reports it."""
    return lambda _: {"plan": recorded.progress(plan), "core_view_messages": {"messages": []}}


ERRORS_TOLD = (
    told(spread(upto(1, 9), 12), "ZAP gave no answer to JSON/ascan/view/scans", by=refused),
    *(
        told(spread(*lines), f"ZAP refused JSON/ascan/view/scans: {word}", by=refused)
        for word, lines in {
            DOES_NOT_EXIST: (upto(13, 19), 35, 50, 69, 73, 74, 76, 77),
            "url_not_found": (20, 30),
            "illegal_parameter": (21, 22, 23, 25, 31, 43, 70),
            "internal_error": (24,),
            "bad_external_data": (32, 33, 34, 39),
            "already_exists": (41,),
            "url_not_in_context": (44, 46, 47),
            "context_not_found": (49,),
            "missing_parameter": (52, 64),
            "mode_violation": (54, 56),
            "no_implementor": (58, 59, 60, 61),
            "bad_view": (62,),
            "bad_action": (63,),
            "400 'Bad Format'": (65,),
            "user_not_found": (112, 114),
        }.items()
    ),
    told(
        upto(26, 29),
        "the target was not seen alive before the scan",
        "1 of 1 operations were not reached",
        by=spidered_the_dead,
    ),
    told([36], "the OpenAPI import added no address", "1 of 1 operations were not reached", by=imported("zero-urls-openapi")),
    told([37], "failed to import", "1 of 1 operations were not reached", by=imported("a401")),
    told([48], "the active scan sent no request", "no active rule ran", by=attacked_nothing),
    told([67], "what answers at http://127.0.0.1:", "is no ZAP", by=lambda call: {"core_view_version": call.body}),
    told([75], "1 of 1 operations were not reached", "nobody counted the answers' status codes", by=of_another_site),
    told([90, 92, 101], "1 log-ins failed", by=log_ins(101)),
    told(spread(104, upto(106, 111), 113), "8 log-ins failed", by=log_ins(111)),
    harmless("the right key", 10, 11),
    harmless("it did what it was asked for: an import says no more where it works", 38),
    harmless(SET_UP, 40, 42, 45, 51, 53, 55, 57, 66, upto(78, 88), 93, 94, 96, 102, 103, 105),
    harmless("a `start` that is no number is taken for 0; ours is always a number", 68),
    harmless("a report is kept for people: what was found is read from alerts, and what was done from counters", 71, 72),
    harmless("the user with the right password: he logged in, and was counted", 89, 91, 95, upto(97, 100)),
)

# -- hang.jsonl


def late(_: object) -> Any:
    time.sleep(1.5)
    return body(HANG, 1)


HANG_TOLD = (told([1], "ZAP did not answer JSON/core/view/version in 0.5 s", by=lambda _: {"core_view_version": late}),)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "PASSIVE_AWAITED_S", 0.1)
    monkeypatch.setattr(scanning, "_POLL_S", 0.05)


FILES = {"traps": (TRAPS, TRAPS_TOLD), "errors": (ERRORS, ERRORS_TOLD), "hang": (HANG, HANG_TOLD)}
CASES = [
    pytest.param(entry, call, id=f"{name} {call.n} {call.label}")
    for name, (calls, table) in FILES.items()
    for entry in table
    for call in calls
    if entry.causes and call.n in entry.lines
]


@pytest.mark.parametrize("name", FILES)
def test_the_table_says_of_every_line_once_what_it_leaves(name: str) -> None:
    calls, table = FILES[name]
    assert sorted(number for entry in table for number in entry.lines) == [call.n for call in calls]
    assert all(bool(entry.causes) != bool(entry.harmless) for entry in table)


@pytest.mark.parametrize(("entry", "call"), CASES)
def test_a_line_that_hides_something_leaves_the_scan_not_whole_by_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Told, call: Call
) -> None:
    if call in HANG:
        monkeypatch.setattr(scanning, "CALL_TIMEOUT_S", 0.5)
    gaps = replayed(tmp_path, **entry.answers(call)).record.gaps
    for cause in entry.causes:
        assert any(cause in gap for gap in gaps), gaps


@pytest.mark.parametrize("role", ["", "buyer"])
def test_a_scan_with_good_answers_alone_is_whole(tmp_path: Path, role: str) -> None:
    done = replayed(tmp_path, role=role)
    assert done.record.gaps == ()
    assert set(NAMES) <= set(done.whole_rules)


def test_a_second_scan_in_the_same_session_is_somebody_else_s(tmp_path: Path) -> None:
    (ours,) = GOOD["scans list (reqCount)"]["scans"]
    theirs = {"ascan_view_scans": {"scans": [ours, {**ours, "id": "0"}]}}
    assert replayed(tmp_path, **theirs).record.gaps == ("2 scans ran in the place of one: somebody else used this ZAP meanwhile",)


# -- plans: the words of each, with what else was so in that run


def report(name: str) -> dict[str, Any]:
    return {"core_other_fileDownload": recorded.report(name).decode()}


def in_the_log(plan: str) -> dict[str, Any]:
    """What a plan printed while it was read: through the interface that is in the daemon's log alone."""
    said = recorded.progress(plan)
    return {"plan": None, "log": [f"12110 [ZAP-IO-Server-1-1] ERROR - {line}" for lines in said.values() for line in lines]}


NOT_ATTACKED = {"jobs": PASSIVE, "ascan_view_scans": {"scans": []}}
NO_COUNT = "there is no count of the scan's requests or of its progress"
DEAD_BEFORE = "the target was not seen alive before the scan"
DEAD_AFTER = "the target was not seen alive after the scan: it died, or nobody looked"
PLANS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "a401": (("failed to import", "only the door was tested"), scan_answers(TRAPS, "target answers 401 to everything")),
    "auth-bad": (("8 log-ins failed", NO_COUNT), {**log_ins(111)(HANG[0]), **NOT_ATTACKED}),
    "auth-bad-tested": (("the plan's job openapi did not come to its end", "8 log-ins failed"), log_ins(111)(HANG[0])),
    "auth-good": ((NO_COUNT, "no active rule ran"), {"role": "buyer", **NOT_ATTACKED}),
    "bad-job": (("Unrecognised job type: notAJob",), in_the_log("bad-job")),
    "bad-param": (("banana should be an integer", "Unrecognised parameter for job spider"), in_the_log("bad-param")),
    "bad-yaml": (("the plan's job openapi did not come to its end", "the plan's job activeScan did not"), {}),
    "dead": (("failed to access URL", DEAD_BEFORE), {"alive": (False, False)}),
    "dead-ascan-only": (
        (DEAD_BEFORE, "the active scan sent no request"),
        {**scan_answers(TRAPS, "target already dead, URLs in the tree"), "jobs": ("activeScan",), "alive": (False, False)},
    ),
    "dead-nofail": (
        ("the OpenAPI import added no address", DEAD_BEFORE, "Percentage of network failures: 100"),
        {"alive": (False, False), **report("af-deadnofail-jsonplus")},
    ),
    "dies-midscan": (
        (DEAD_AFTER, "Percentage of network failures: 92", "4 rules say Complete and sent nothing"),
        {**scan_answers(TRAPS, "target dies mid-scan"), "alive": (True, False), **report("af-dies-jsonplus")},
    ),
    "hard-dies": (
        (DEAD_AFTER, "4 rules say Complete and sent nothing"),
        {**scan_answers(TRAPS, "target dies mid-scan"), "alive": (True, False)},
    ),
    "hard-passive-ok": ((NO_COUNT, "no active rule ran"), NOT_ATTACKED),
    "maxduration": (
        ("the scan came to 13 % and was cut off or stopped",),
        scan_answers(TRAPS, "maxScanDuration 1 min on a slow target"),
    ),
    "rules-off": (("no active rule ran",), scan_answers(TRAPS, "rules all disabled")),
    "vuln-passive-warn": ((NO_COUNT, "no active rule ran"), NOT_ATTACKED),
    "zero-urls-openapi": (
        ("the OpenAPI import added no address", "1 of 1 operations were not reached", "the active scan sent no request"),
        {
            **attacked_nothing(ERRORS[47]),
            "core_view_messages": {"messages": []},
            **report("af-zero-jsonplus"),
        },
    ),
}
HARMLESS_PLANS = {
    "vuln": "it scanned, and exits 1 for what it found",
    "vuln-noexit": "it scanned, and nothing makes it exit with another code for what it found",
}


def test_every_recorded_plan_is_in_the_table() -> None:
    seen = {path.name.removesuffix(".stdout.txt") for path in Path(recorded.FOLDER / "af").glob("*.stdout.txt")}
    assert seen == {*PLANS, *HARMLESS_PLANS}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_that_tested_nothing_or_not_all_is_found_out_by_its_cause(tmp_path: Path, name: str) -> None:
    causes, answers = PLANS[name]
    gaps = replayed(tmp_path, **{"plan": recorded.progress(name), **answers}).record.gaps
    for cause in causes:
        assert any(cause in gap for gap in gaps), gaps


@pytest.mark.parametrize("name", HARMLESS_PLANS)
def test_a_plan_that_scanned_and_found_something_is_whole(tmp_path: Path, name: str) -> None:
    assert replayed(tmp_path, plan=recorded.progress(name)).record.gaps == ()
