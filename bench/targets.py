"""What is found, missed and claimed wrongly on the order desk, a platform in Node: every defect by itself, and none."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.targets.desk import Defect, defects, finish, names, start, unavailable

Figure = tuple[str, float, str, str]

_STAGES = ("contract", "authorization", "sessions", "database", "security")


def figures() -> list[Figure]:
    """Defects found of those planted one by one, with what found them; and what was claimed besides, on the clean one too."""
    if why := unavailable():
        sys.stdout.write(f"targets: skipped: {why}\n")
        return []
    clean = _found(_STAGES, ())
    planted = defects()
    caught, besides = 0, len(clean)
    for defect in planted:
        found = _found((defect.stage,), (defect.name,)) - clean
        named = found & set(defect.found)
        caught += bool(named)
        besides += 0 if named else len(found)
        _say(defect, named, found - named)
    return [
        ("defects planted one by one", len(planted), "", "each verified by the stage that is to notice it"),
        ("found", caught, "", "a finding names the rule and the operation"),
        ("claimed wrongly", besides, "", "findings of the clean platform, and of a planted one that are not about its defect"),
    ]


def _found(stages: tuple[str, ...], planted: tuple[str, ...]) -> set[str]:
    with tempfile.TemporaryDirectory(prefix="desk-") as folder:
        return names(finish(start(Path(folder), stages, planted), Path(folder)))


def _say(defect: Defect, named: set[str], besides: set[str]) -> None:
    verdict = "found" if named else "MISSED"
    sys.stdout.write(f"{defect.stage:<14} {defect.name:<24} {verdict:<7} {', '.join(sorted(named)) or defect.what}\n")
    for other in sorted(besides):
        sys.stdout.write(f"{'':<14} {'':<24} besides {other}\n")
    sys.stdout.flush()
