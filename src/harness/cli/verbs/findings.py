"""`harness findings list|show|waive|diff`."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from harness.cli.common import runs_folder
from harness.cli.exits import Exit
from harness.config.project import find_root
from harness.config.waivers import WAIVERS_FILE, load_waivers, parse_waivers, render_waiver
from harness.evidence.codec import to_json
from harness.evidence.files import write_atomic
from harness.evidence.known import KNOWN_FILE, load_known, write_known
from harness.evidence.stored import StoredRun, find_run
from harness.findings.history import accept, history
from harness.findings.waiving import day_of, fault
from harness.model.errors import ConfigError, EvidenceError
from harness.model.finding import Finding
from harness.model.verdict import Verdict
from harness.model.waiver import FindingState, FindingStatus, History, Waiver, WaiverKind
from harness.report.reproduction import command_of
from harness.report.views.findings import symptom_text
from harness.runner.finish import observed, run_history
from harness.runner.replay import find_finding

_HEADER = "# Findings that the project lives with for a while: docs/guides/security-review.md.\n"
_NEWS = (FindingState.NEW, FindingState.REGRESSED)
_OF_A_WHOLE_RUN = ("list", "diff")


def run(args: argparse.Namespace) -> Exit:
    """Does what the action names; all but `waive` and `--accept-base` only read."""
    _demand_fitting(args)
    stored = find_run(args.accept_base or args.run or "latest", runs_folder(args.runs))
    actions = {"list": _list, "show": _show, "waive": _waive, "diff": _diff}
    return actions[args.action](args, stored)


def _demand_fitting(args: argparse.Namespace) -> None:
    """What an action would not read is refused: who named a run in a wrong place would get the answer of another."""
    called = f"findings {args.action}"
    if args.finding and args.action in _OF_A_WHOLE_RUN:
        run = f"--accept-base {args.finding}" if args.accept_base is not None else f"--run {args.finding}"
        raise ConfigError(
            f"{called}: it is about a whole run and takes no finding, got {args.finding!r}",
            hint=f"to name a run: harness {called} {run}",
        )
    if args.accept_base is not None and args.action != "diff":
        raise ConfigError(f"{called}: --accept-base belongs to diff", hint="harness findings diff --accept-base RUN")
    if args.accept_base and args.run:
        raise ConfigError(
            f"{called}: --run {args.run} and --accept-base {args.accept_base} both name a run",
            hint=f"harness {called} --accept-base {args.accept_base}",
        )


def _list(args: argparse.Namespace, stored: StoredRun) -> Exit:
    states = run_history(stored)
    chosen = [status for status in states.statuses if not args.state or status.state == args.state]
    if args.json:
        print(to_json(chosen), end="")
        return Exit.OK
    for status in chosen:
        print(_row(status))
    for warning in states.warnings:
        print(f"! {warning}")
    print(_summary(states))
    return Exit.OK


def _row(status: FindingStatus) -> str:
    where = f"{status.method} {status.route}".strip() or "everywhere"
    which = " ".join(part for part in (status.parameter, f"as {status.role}" if status.role else "") if part)
    note = f"  [{status.note}]" if status.note else ""
    line = f"{status.fingerprint}  {status.state:<12} {status.severity:<8} {where}  {which}  {status.title}{note}"
    return "".join(character if character.isprintable() else "?" for character in line)


def _summary(states: History) -> str:
    counts = [f"{len(found)} {state}" for state in FindingState if (found := states.of(state))]
    against = f"against the base of run {states.base_run}" if states.base_run else f"no base ({KNOWN_FILE}): all count as new"
    return f"{', '.join(counts) or 'nothing'}; {against}"


def _show(args: argparse.Namespace, stored: StoredRun) -> Exit:
    finding = find_finding(stored, _fingerprint(args))
    status = run_history(stored).by_fingerprint[finding.fingerprint]
    if args.json:
        print(to_json({"finding": finding, "status": status}), end="")
        return Exit.OK
    print(_row(status))
    for name, value in _facts(finding, status):
        if value:
            print(f"  {name}: {value}")
    for step in finding.steps:
        often = f", {step.times} times" if step.times > 1 else ""
        print(f"  > {step.method} {step.path}   as {step.role or 'nobody'} {step.user}".rstrip() + often)
    return Exit.OK


def _facts(finding: Finding, status: FindingStatus) -> tuple[tuple[str, str], ...]:
    return (
        ("rule", finding.rule),
        ("class", " ".join(finding.classes)),
        ("confidence", finding.confidence),
        ("severity", f"{finding.severity}: {finding.severity_reason}" if finding.severity_reason else ""),
        ("found by", ", ".join(finding.engines)),
        ("first seen", status.first_seen),
        ("last seen", status.last_seen),
        ("expected", finding.expected),
        ("observed", finding.observed),
        ("why", finding.why),
        ("advice", finding.advice),
        ("proof", " | ".join(finding.proof)),
        ("look for", symptom_text(finding.symptom)),
        ("again", command_of(finding)),
    )


def _fingerprint(args: argparse.Namespace) -> str:
    if not args.finding:
        raise ConfigError(f"findings {args.action}: which finding?", hint="harness findings list shows their fingerprints")
    return str(args.finding)


def _expiry(args: argparse.Namespace, today: date) -> date:
    """The day that was given, or so many from today."""
    try:
        return date.fromisoformat(args.expires) if args.expires else today + timedelta(days=args.days)
    except (ValueError, OverflowError):
        given = f"--expires {args.expires}" if args.expires else f"--days {args.days}"
        raise ConfigError(f"findings waive: {given} is no day", hint="a day is written 2026-12-31") from None


def _waive(args: argparse.Namespace, stored: StoredRun) -> Exit:
    """Appends a waiver to the project's file; the next run is judged with it."""
    finding = find_finding(stored, _fingerprint(args))
    missing = [f"--{name}" for name in ("reason", "owner", "approver") if not getattr(args, name)]
    if missing:
        raise ConfigError(f"findings waive: {', '.join(missing)} missing", hint="who carries the risk, who agreed, and why?")
    today = datetime.now(UTC).date()
    waiver = Waiver(
        finding.fingerprint,
        args.reason,
        args.owner,
        tuple(args.approver),
        today,
        _expiry(args, today),
        WaiverKind.FALSE_ALARM if args.false_alarm else WaiverKind.ACCEPTED,
    )
    if why := fault(waiver, finding.severity, today):
        raise ConfigError(f"findings waive: it would not hold: {why}")
    path = find_root(Path.cwd()) / WAIVERS_FILE
    load_waivers(path.parents[1])  # what is there must be right before something is added
    old = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    text = f"{old.rstrip()}\n\n{render_waiver(waiver)}"
    parse_waivers(text, WAIVERS_FILE)
    write_atomic(path, text)
    print(f"{finding.fingerprint} {finding.title}: waived until {waiver.expires} in {WAIVERS_FILE}")
    print("the next run is judged with it; who approved it is not verified here: commit it, so that the code owners see it")
    return Exit.OK


def _diff(args: argparse.Namespace, stored: StoredRun) -> Exit:
    """What is new, regressed, fixed or unseen against the project's base; with `--accept-base` the run becomes the base."""
    root = find_root(Path.cwd())
    base, seen = load_known(root), observed(stored)
    states = history(seen, base, load_waivers(root), day_of(seen.ended))
    for status in states.of(*_NEWS, FindingState.FIXED, FindingState.NOT_OBSERVED):
        print(_row(status))
    print(_summary(states))
    if args.accept_base is not None:
        _demand_whole(stored)
        write_known(root, accept(seen, base, stored.folder.name))
        print(f"{KNOWN_FILE}: now of run {stored.folder.name}")
        return Exit.OK
    return Exit.FAIL if states.of(*_NEWS) else Exit.OK


def _demand_whole(stored: StoredRun) -> None:
    """A base of a run that was tampered with or cut off would hide what it did not see."""
    if changed := stored.tampered():
        raise EvidenceError(f"{stored.folder.name}: {changed[0]} was changed after the run", hint="accept an intact run")
    if stored.manifest.interrupted or not stored.manifest.ended:
        raise EvidenceError(f"{stored.folder.name} was cut off", hint="accept a run that came to its end")
    if stored.verdict.verdict is Verdict.SKIPPED:
        raise EvidenceError(f"{stored.folder.name} judged nothing", hint="accept a run that did")
