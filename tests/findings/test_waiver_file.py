"""`security/waivers.toml` and `security/known.json`: what may stand in them, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from harness.config.waivers import WAIVERS_FILE, load_waivers, parse_waivers, render_waiver
from harness.evidence.known import KNOWN_FILE, load_known, parse_known, write_known
from harness.findings.history import Observed, accept
from harness.model.errors import ConfigError
from harness.model.waiver import Waiver, WaiverKind
from tests.gates.build import finding

GOOD = Waiver("3fa4c1d2e5b60718", "behind the VPN until the new proxy", "ana", ("bo",), date(2026, 9, 1), date(2026, 11, 30))


def test_a_waiver_is_read_as_it_was_written() -> None:
    hostile = replace(GOOD, reason='a "quoted"\nline\\ with {braces} and é', kind=WaiverKind.FALSE_ALARM)
    assert parse_waivers(render_waiver(GOOD), "w") == (GOOD,)
    assert parse_waivers(render_waiver(hostile), "w") == (hostile,)


def test_ninety_days_are_allowed_and_one_more_is_not() -> None:
    assert (GOOD.expires - GOOD.granted).days == 90
    with pytest.raises(ConfigError, match="holds 91 days, at most 90"):
        parse_waivers(render_waiver(replace(GOOD, expires=date(2026, 12, 1))), "w")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fingerprint": "3fa4"}, "wanted 16 hexadecimal digits"),
        ({"reason": "later"}, "the reason says nothing"),
        ({"owner": " "}, "it has no owner"),
        ({"approvers": ()}, "it has no approver"),
        ({"approvers": ("Ana ",)}, "owns it and approves it"),
        ({"approvers": ("bo", "BO")}, "the same approver is named twice"),
        ({"expires": date(2026, 8, 31)}, "before it is granted"),
    ],
)
def test_a_waiver_that_nobody_may_grant_is_refused_by_name(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse_waivers(render_waiver(replace(GOOD, **changes)), "w")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "[[waivers]\n",
        "ignore = ['CVE-2026-1']\n",
        render_waiver(GOOD) + 'expired_at = "2026-12-01"\n',
        render_waiver(GOOD).replace("expires = 2026-11-30", 'expires = "soon"'),
        render_waiver(GOOD).replace('owner = "ana"\n', ""),
        render_waiver(GOOD) + render_waiver(GOOD),
    ],
    ids=["no TOML", "another tool's", "an unknown key", "no date", "no owner", "twice"],
)
def test_an_unreadable_or_foreign_file_is_an_error_and_never_empty(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_waivers(text, "w")


def test_a_project_without_the_files_has_no_waivers_and_no_base(tmp_path: Path) -> None:
    assert load_waivers(tmp_path) == ()
    assert load_known(tmp_path) is None


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / WAIVERS_FILE).mkdir(parents=True)
    (tmp_path / KNOWN_FILE).write_bytes(b"\xff\xfe not json")
    with pytest.raises(ConfigError):
        load_waivers(tmp_path)
    with pytest.raises(ConfigError):
        load_known(tmp_path)


BASE = accept(Observed((finding(), finding(parameter="q")), (), "2026-11-01T00:00:00Z"), None, "run-1")


def test_the_base_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_known(tmp_path, BASE)
    assert load_known(tmp_path) == BASE


def edited(**changes: object) -> str:
    plain = json.loads(json.dumps({"format": BASE.format, "run": "r", "accepted": "t", "findings": []}))
    return json.dumps({**plain, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        edited(format="defectdojo/2"),
        edited(findings=[{"fingerprint": "0" * 16}]),
    ],
    ids=["a list", "cut in half", "another format", "half an entry"],
)
def test_a_foreign_base_is_an_error_and_never_empty(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_known(text, "known.json")


def test_an_edited_entry_is_found_by_its_fingerprint(tmp_path: Path) -> None:
    path = write_known(tmp_path, replace(BASE, findings=(replace(BASE.findings[0], route="/elsewhere"),)))
    with pytest.raises(ConfigError, match="does not belong to its rule and route"):
        load_known(tmp_path)
    path.unlink()
    write_known(tmp_path, replace(BASE, findings=(BASE.findings[0], BASE.findings[0])))
    with pytest.raises(ConfigError, match="is there twice"):
        load_known(tmp_path)
