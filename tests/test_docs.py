"""The documentation is true: its links lead somewhere, and the commands that it shows exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.cli.verbs_table import VERBS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
NOT_YET = {"compare", "diff", "drill"}  # the design's finished state names verbs that come with their stages


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_verbs_that_are_shown_exist(page: Path) -> None:
    shown = set(re.findall(r"`(?:\.venv/bin/)?harness ([a-z]+)", page.read_text(encoding="utf-8")))
    assert shown - {verb.name for verb in VERBS} - NOT_YET == set()


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_in_the_examples_parses(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    examples = re.findall(r"^  harness ([a-z]+)", capsys.readouterr().out, re.MULTILINE)
    assert set(examples) <= {entry.name for entry in VERBS}


@pytest.mark.parametrize("target", ["verify", "verify-full", "test", "lint", "bench", "faults", "env", "browser"])
def test_make_has_the_commands_that_people_type(target: str) -> None:
    assert re.search(rf"^{target}: .*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
