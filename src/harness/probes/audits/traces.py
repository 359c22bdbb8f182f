"""What the target leaves in its log: no password, no token, no value of a secret column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.model.finding import Confidence, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import Report, finding_of

LENGTH_MIN = 8
LOG_BYTES_MAX = 64 * 1024 * 1024

_WEAKNESS = Weakness(
    "exposure.secret-in-log",
    Severity.HIGH,
    532,
    "API8:2023",
    "The log holds no password, no token and no other secret.",
    "Logs are copied, kept for long and read by many; whoever reads them takes the account over.",
    "Log names of members and ids, never whole requests, headers or rows; redact what comes from outside before it is written.",
)


def examine_log(log: Path | None, secrets: Mapping[str, frozenset[str]]) -> Report:
    """Searches the log for each secret; `secrets` are the texts by what they are ("a user's password")."""
    report = Report("log")
    if log is None or not log.is_file() or not log.stat().st_size:
        report.note = "the target writes no log that can be read here"
        return report
    wanted = {what: {text for text in texts if len(text) >= LENGTH_MIN} for what, texts in secrets.items()}
    found: dict[str, int] = {}
    for number, line in enumerate(_lines(log), start=1):
        for what, texts in wanted.items():
            if what not in found and any(text in line for text in texts):
                found[what] = number
        report.tried = number
    for what, number in found.items():
        title, observed = f"The target's log holds {what}", f"Line {number} of {log.name} holds {what}, as it was sent or stored."
        report.findings.append(finding_of(_WEAKNESS, Place(parameter=what), title, observed, (), Symptom(), Confidence.MEDIUM))
    return report


def _lines(log: Path) -> Iterator[str]:
    left = LOG_BYTES_MAX
    with log.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            left -= len(line)
            if left < 0:
                return
            yield line
