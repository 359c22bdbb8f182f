"""`security/known.json`: the findings of earlier runs, as somebody accepted them for comparison."""

from __future__ import annotations

from pathlib import Path

from harness.evidence.codec import from_json, to_json
from harness.evidence.files import write_atomic
from harness.model.errors import ConfigError, EvidenceError
from harness.model.finding import fingerprint_of
from harness.model.waiver import KnownBase

KNOWN_FILE = "security/known.json"


def load_known(root: Path) -> KnownBase | None:
    """The committed base of a project; `None` where there is none yet.

    Raises:
        ConfigError: it cannot be read, is something else, or was edited: such a base is never taken for an empty one.
    """
    path = root / KNOWN_FILE
    if not path.exists():
        return None
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{KNOWN_FILE}: {error.strerror}") from error
    return parse_known(text, KNOWN_FILE)


def parse_known(text: str | bytes, where: str) -> KnownBase:
    """The base of a text; `where` is what errors call it. Errors as `load_known`."""
    hint = "write it anew: harness findings diff --accept-base RUN"
    try:
        base = from_json(KnownBase, text, where=where)
    except EvidenceError as error:
        raise ConfigError(error.message, hint=hint) from error
    seen: set[str] = set()
    for entry in base.findings:
        expected = fingerprint_of(entry.rule, entry.method, entry.route, entry.parameter, entry.role)
        if entry.fingerprint != expected or expected in seen:
            what = "is there twice" if expected in seen else f"does not belong to its rule and route, wanted {expected}"
            raise ConfigError(f"{where}: the fingerprint {entry.fingerprint} {what}", hint=hint)
        seen.add(expected)
    return base


def write_known(root: Path, base: KnownBase) -> Path:
    """Replaces the committed base."""
    return write_atomic(root / KNOWN_FILE, to_json(base))
