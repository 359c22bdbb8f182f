"""`security/waivers.toml`: strictly read, for a waiver that is misread is a defect that nobody sees."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.config.decode import decode
from harness.model.errors import ConfigError
from harness.model.waiver import WAIVER_DAYS_MAX, Waiver, WaiverKind

WAIVERS_FILE = "security/waivers.toml"
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_REASON_CHARACTERS_MIN = 12  # "ok" and "later" are no reasons


@dataclass(frozen=True)
class _File:
    waivers: tuple[Waiver, ...] = ()


def load_waivers(root: Path) -> tuple[Waiver, ...]:
    """The waivers of a project; none where it has no such file.

    Raises:
        ConfigError: the file cannot be read, is something else, or holds a waiver that nobody may grant.
    """
    path = root / WAIVERS_FILE
    if not path.exists():
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{WAIVERS_FILE}: {error}", hint="without it nobody knows what is accepted, so nothing is run"
        ) from error
    return parse_waivers(text, WAIVERS_FILE)


def parse_waivers(text: str, where: str) -> tuple[Waiver, ...]:
    """The waivers of a text; `where` is what errors call it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    waivers = decode(_File, data, where).waivers
    if problems := [*_duplicates(waivers), *(line for waiver in waivers for line in _problems(waiver))]:
        raise ConfigError(
            "\n".join(f"{where}: {problem}" for problem in problems),
            hint="docs/guides/security-review.md says what a waiver must hold; harness findings waive writes one",
        )
    return waivers


def render_waiver(waiver: Waiver) -> str:
    """One entry as TOML, to be appended to the file."""
    lines = [
        "[[waivers]]",
        f"fingerprint = {_quoted(waiver.fingerprint)}",
        f"reason = {_quoted(waiver.reason)}",
        f"owner = {_quoted(waiver.owner)}",
        f"approvers = [{', '.join(_quoted(name) for name in waiver.approvers)}]",
        f"granted = {waiver.granted.isoformat()}",
        f"expires = {waiver.expires.isoformat()}",
    ]
    if waiver.kind is not WaiverKind.ACCEPTED:
        lines.append(f"kind = {_quoted(waiver.kind.value)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in escaped) + '"'


def _duplicates(waivers: Iterable[Waiver]) -> Iterator[str]:
    for fingerprint, times in Counter(waiver.fingerprint for waiver in waivers).items():
        if times > 1:
            yield f"{fingerprint}: waived {times} times, wanted once"


def _problems(waiver: Waiver) -> Iterator[str]:
    name = waiver.fingerprint
    if not _FINGERPRINT.fullmatch(name):
        yield f'fingerprint "{name}": wanted 16 hexadecimal digits, as harness findings list shows them'
    if len(waiver.reason.strip()) < _REASON_CHARACTERS_MIN:
        yield f"{name}: the reason says nothing, wanted at least {_REASON_CHARACTERS_MIN} characters"
    if not waiver.owner.strip():
        yield f"{name}: it has no owner"
    yield from (f"{name}: {problem}" for problem in _approval_problems(waiver))
    yield from (f"{name}: {problem}" for problem in _term_problems(waiver.granted, waiver.expires))


def _approval_problems(waiver: Waiver) -> Iterator[str]:
    names = [name.strip().casefold() for name in waiver.approvers]
    if not names or not all(names):
        yield "it has no approver" if not names else "an approver is empty"
    if len(set(names)) < len(names):
        yield "the same approver is named twice"
    if waiver.owner.strip().casefold() in names:
        yield f"{waiver.owner} owns it and approves it, wanted somebody else"


def _term_problems(granted: date, expires: date) -> Iterator[str]:
    days = (expires - granted).days
    if days < 0:
        yield f"it expires on {expires}, before it is granted on {granted}"
    if days > WAIVER_DAYS_MAX:
        yield f"it holds {days} days, at most {WAIVER_DAYS_MAX} are allowed"
