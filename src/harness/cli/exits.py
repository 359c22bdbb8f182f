"""The exit codes, in one enumeration."""

from __future__ import annotations

from enum import IntEnum

from harness.model.verdict import Verdict


class Exit(IntEnum):
    """What a caller can rely on."""

    OK = 0  # every required gate passed
    FAIL = 1  # a gate failed: the target is at fault (also: a fault missed)
    USAGE = 2  # wrong by reading command line and TOML alone; nothing ran
    UNKNOWN = 3  # evidence missing or too small; also whatever goes missing after the first stage started
    PREFLIGHT = 4  # the pre-flight failed and no stage started
    DEFECT = 5  # a defect of the harness
    INTERRUPTED = 130  # SIGINT or SIGTERM; what ran is kept and can be judged


EXPLAINED = """\
exit codes:
  0    every required gate passed
  1    a gate failed: the target is at fault (also: a fault missed)
  2    the command line or a TOML file is wrong; nothing ran
  3    unknown: evidence is missing or too small
  4    the pre-flight failed and no stage started
  5    a defect of the harness
  130  interrupted; what ran is kept and can be judged: harness judge latest
"""


def exit_of(verdict: Verdict) -> Exit:
    """The exit of a verdict: only PASS is 0."""
    return {Verdict.PASS: Exit.OK, Verdict.FAIL: Exit.FAIL}.get(verdict, Exit.UNKNOWN)
