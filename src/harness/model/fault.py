"""A planted defect of the reference platform, and who has to notice it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from harness.model.verdict import Verdict


@dataclass(frozen=True)
class Edit:
    """One replacement in one file: `old` must stand there exactly once (or `count` times).

    Without `old`, `new` is put at the end of the file, which is made where it is not there. `repeat` writes `new` so many
    times, with `{n}` in it replaced by 1, 2, ….
    """

    file: str  # relative to the project
    new: str
    old: str = ""
    count: int = 1
    repeat: int = 1


@dataclass(frozen=True)
class Fault:
    """One defect.

    `kind` is its class: a CWE (`CWE-639`) or a ledger part. `must` gates have to give the verdict that is named, `may` gates
    are free; any other gate that is not PASS is a false alarm. `stages` are those that are run. `rules` name the oracle: one
    of them has to be the rule of a finding (`database.*` is each of the stage); none where a gate notices without a finding.
    """

    name: str
    title: str
    kind: str
    must: dict[str, Verdict]
    stages: tuple[str, ...]
    may: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    delete: tuple[str, ...] = ()  # files that are removed from the copy
    parts: tuple[str, ...] = ()  # ledger parts whose check has to turn red
    rules: tuple[str, ...] = ()
    config: dict[str, str] = field(default_factory=dict)  # replaced values of harness.toml, by dotted key
    operator: str = ""  # the rule that generated it, "" for one that somebody wrote
    equivalent: str = ""  # why it changes nothing that anybody could see; such a one is listed and not run
    folder: Path | None = None

    def is_oracle(self, rules: Collection[str]) -> bool:
        """Whether a finding of one of these rules is what this fault has to cause."""
        return not self.rules or any(fnmatchcase(rule, wanted) for rule in rules for wanted in self.rules)
